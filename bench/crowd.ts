import { compose, type Stack, startStack } from '../test/lab/support/index.ts'

/** Name of the nth user of a crowd; also the login. */
export const member = (n: number): string => `u${String(n).padStart(4, '0')}`

/** The share that every user of a crowd has. */
export const share = 'mac'

/** A workspace of `count` users with keys from its Headscale, through the real command; images built, nothing started. */
export async function startCrowd(count: number, provider: 'headscale' | 'manual' = 'headscale'): Promise<Stack> {
  const stack = await startStack({ provider })
  // Room for a /22 of users, where two stacks of the lab seldom meet; only the blocks in use are published.
  stack.edit('tmgen.yaml', (text) =>
    text.replace(/udp: \{ from: (\d+), to: \d+ \}/, (_, from) => `udp: { from: ${from}, to: ${Number(from) + 1023} }`),
  )
  stack.edit('tmgen.yaml', (text) =>
    text.replace(/^users:[\s\S]*/m, `users:\n${Array.from({ length: count }, (_, n) => usersLine(n)).join('')}`),
  )
  if (provider === 'manual') await stack.must(['generate'], { timeout: 300_000 })
  else {
    await stack.must(['provision'], { timeout: 300_000 })
    await stack.pastePolicy()
  }
  await compose(stack.dir, ['build', '--quiet'])
  return stack
}

/** The nth user as tmgen.yaml names it. */
export function usersLine(n: number): string {
  return `  - { name: ${member(n)}, logins: [${member(n)}], macs: [{ name: ${share} }] }\n`
}
