// Benchmarks on the real stack: prints Markdown. Options: options.ts; progress goes to stderr.
import { readFileSync, writeFileSync } from 'node:fs'
import { type Client, cleanUp, type Stack, startStack } from '../test/lab/support/index.ts'
import { cliTable } from './cli.ts'
import { load, machine } from './machine.ts'
import { type Options, type Part, readOptions } from './options.ts'
import { build, startTable } from './start.ts'
import { transferTable } from './transfer.ts'

const page = new URL('../docs/performance.md', import.meta.url)

/** A workspace of two users through the real command, a client of alice's, and rights for the sidecars' nodes. */
async function makeStack(): Promise<{ stack: Stack; client: Client }> {
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
  await build(stack)
  return { stack, client }
}

interface Policy {
  acls: object[]
  tagOwners: Record<string, string[]>
}

/** Runs the wanted parts; Markdown in the order of `titles`. */
async function measure(options: Options): Promise<string> {
  const titles: Record<Part, string> = {
    transfer: `Put and get of one ${options.size} MiB file, ${options.rounds} rounds`,
    cli: 'The command',
    start: 'Start',
  }
  const found = new Map<Part, string>()
  const part = async (name: Part, run: () => Promise<string>) => {
    if (!options.parts.includes(name)) return
    const before = load()
    console.error(`${name}: load ${before}`)
    found.set(name, `### ${titles[name]}\n\nLoad of the machine just before: ${before}\n\n${await run()}\n`)
  }
  await part('cli', cliTable)
  if (options.parts.some((one) => one !== 'cli')) {
    const { stack, client } = await makeStack()
    await part('start', () => startTable(stack, client, options.rounds))
    await stack.up()
    await stack.running('alice', 'bob')
    await stack.session(client, 'alice', 'macbook')
    await part('transfer', () => transferTable(stack, client, options))
  }
  const tables = (Object.keys(titles) as Part[]).map((name) => found.get(name)).filter((text) => text !== undefined)
  return [`${await machine(found.has('transfer'))}\n`, ...tables].join('\n')
}

/** Puts the result between the two marks of docs/performance.md. */
function writePage(result: string): void {
  const [begin, end] = ['<!-- bench: begin -->', '<!-- bench: end -->']
  const text = readFileSync(page, 'utf8')
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error('docs/performance.md has lost its marks')
  writeFileSync(page, `${text.slice(0, from + begin.length)}\n\n${result}\n${text.slice(to)}`)
}

const options = readOptions(process.argv.slice(2))
try {
  const result = await measure(options)
  console.log(result)
  if (options.write) writePage(result)
} finally {
  await cleanUp()
}
