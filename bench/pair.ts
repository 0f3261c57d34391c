import { type Client, compose, type Stack, startStack } from '../test/lab/support/index.ts'

interface Policy {
  acls: object[]
  tagOwners: Record<string, string[]>
}

/**
 * A workspace of alice (share `macbook`) and bob through the real command, its images built and nothing started, a
 * client of alice's, and rights for nodes that the benchmarks add beside it (`tag:bench`).
 */
export async function startPair(): Promise<{ stack: Stack; client: Client }> {
  const stack = await startStack()
  await stack.must(['add', 'user', 'alice', '--login', 'alice', '--mac', 'macbook'])
  await stack.must(['add', 'user', 'bob', '--login', 'bob', '--mac', 'imac'])
  const policy = JSON.parse(await stack.must(['policy', 'show'])) as Policy
  const client = await stack.client('alice')
  await stack.headscale.setPolicy({
    ...policy,
    acls: [...policy.acls, { action: 'accept', proto: 'tcp', src: ['alice@'], dst: ['tag:bench:445'] }],
    tagOwners: { ...policy.tagOwners, 'tag:bench': [] },
  })
  await compose(stack.dir, ['build', '--quiet'])
  return { stack, client }
}
