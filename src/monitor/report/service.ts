// The `monitor` service: judges what the scanner saw, keeps the history, tells people and serves the page on a unix
// socket. It has no share; a network only where somebody is to be told. `once [--at TIME]` goes through it once, as if it
// were then; `test-alert [NAME]` sends a test by every way of the operator, or of one person, and prints what came of it
// as JSON.
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { z } from 'zod'
import { openForeign } from '../../converge/node-foreign.ts'
import { printable } from '../../ui/printable.ts'
import type { ForeignFolder } from '../../world.ts'
import { History } from '../history/index.ts'
import { lookFile, lookSchema, maxLookBytes } from '../observation/index.ts'
import { onceAt } from '../once.ts'
import { GatewayNames, operatorsPage, PageServer, PeoplePages } from '../page/index.ts'
import { runService } from '../service.ts'
import { parseSettings, places, type Settings } from '../settings.ts'
import { type Handed, isOutbox, maxOutbox, outboxSchema } from '../verify/part.ts'
import { askGateway } from './gateway.ts'
import { ledgersIn } from './ledgers.ts'
import { Reporter, type ReporterWorld } from './reporter.ts'
import { testAlert } from './test-alert.ts'

/** A new look is taken up after so long, in ms; without one everybody is judged anew as often as the second. */
const poll = { look: 2_000, judge: 60_000 }
/** Bytes of an address, a token, or some certificates. */
const maxSecret = 16 * 1024

const say = (line: string) => void process.stdout.write(`${printable(line)}\n`)
const settingsPath = join(places.settings, 'settings.json')

let read: { as: string; settings: Settings } | undefined
/** What tmgen says now, read anew where the file is another one. */
function settings(): Settings {
  const { ino, size, mtimeMs } = statSync(settingsPath)
  const as = `${ino} ${size} ${mtimeMs}`
  if (read?.as !== as) read = { as, settings: parseSettings(readFileSync(settingsPath, 'utf8')) }
  return read.settings
}

/** The scanner reads what others wrote, so that its files are read as foreign ones. */
async function readFrom<T>(name: string, maxBytes: number, schema: z.ZodType<T>): Promise<T | undefined> {
  const bytes = await openForeign(places.looks, (folder) => folder.read(name, maxBytes))
  if (bytes === undefined) return undefined
  try {
    return schema.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8'))).data
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** Files that lie there at most. */
const mostFiles = 64

async function readHanded(): Promise<Handed[]> {
  const found = await openForeign(places.looks, (folder) => folder.names(mostFiles))
  const handed: Handed[] = []
  for (const name of found?.names.filter(isOutbox) ?? [])
    handed.push(...((await readFrom(name, maxOutbox, outboxSchema)) ?? []))
  return handed
}

/** When the scanner's look was written, and when what it read back. */
async function writtenAt(): Promise<{ look: number | undefined; handed: string }> {
  const times = await openForeign(places.looks, async (folder) => {
    const { names } = await folder.names(mostFiles)
    const at = async (name: string) => (await folder.stat(name))?.modified.getTime()
    const handed = await Promise.all(names.filter(isOutbox).map(async (name) => `${name} ${await at(name)}`))
    return { look: await at(lookFile), handed: handed.sort().join() }
  })
  return times ?? { look: undefined, handed: '' }
}

/** Why the last report was not written, which is said once; `''`: it was. */
let unwritten = ''

const world: ReporterWorld = {
  fetch: (...args) => globalThis.fetch(...args),
  secret: async (path) => {
    const names = path.split('/')
    const read = async (folder: ForeignFolder): Promise<Uint8Array | undefined> => {
      const name = names.shift() ?? ''
      return names.length === 0 ? folder.read(name, maxSecret) : folder.folder(name, read)
    }
    const bytes = await openForeign(places.secrets, read)
    return bytes && Buffer.from(bytes).toString('utf8')
  },
  look: () => readFrom(lookFile, maxLookBytes, lookSchema),
  handed: readHanded,
  ledgers: ledgersIn(places.bands, say),
  gateway: () => askGateway(join(places.gateway, 'status.sock')),
  write: (report) => {
    const path = join(places.state, 'report.json')
    try {
      writeFileSync(`${path}.new`, JSON.stringify(report), { mode: 0o600 })
      renameSync(`${path}.new`, path)
      unwritten = ''
    } catch (error) {
      // Its disk is full, or read-only. People can be told all the same.
      const why = `the report is not written: ${(error as Error).message}`
      if (why !== unwritten) say(why)
      unwritten = why
    }
  },
  say,
}

async function main(): Promise<void> {
  const args = process.argv.slice(2)
  if (args[0] === 'test-alert') {
    process.stdout.write(`${JSON.stringify(await testAlert(world, settings(), Date.now(), args[1]))}\n`)
    return
  }
  const notes: string[] = []
  const onLoss = (why: string) => {
    say(why)
    notes.splice(0, notes.length, ...[...notes, why].slice(-5))
  }
  const history = new History(join(places.state, 'history.sqlite'), { onLoss })
  const reporter = new Reporter(history, world)
  const once = onceAt(args)
  if (once !== undefined) {
    await reporter.take(settings())
    await reporter.round(settings(), once, notes)
    history.close()
    return
  }
  const names = new GatewayNames(world.gateway)
  const operators = operatorsPage(() => {
    const { dashboard } = settings()
    return dashboard && { hostname: dashboard.hostname, ...names.of(dashboard.name) }
  })
  const page = new PageServer(history, { now: Date.now, say }, operators)
  const people = new PeoplePages(history, { now: Date.now, say }, join(places.page, 'people'), names.of)
  let isOver = false
  const end = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => {
      isOver = true
      end.abort()
    })
  let seen: number | undefined
  let taken = ''
  let judged = 0
  let judgedBy: Settings | undefined
  while (!isOver) {
    const wanted = settings()
    await page.ensure(join(places.page, 'operator.sock'))
    await people.ensure(wanted.users)
    const served = wanted.users.flatMap(({ name, page }) => (page ? name : []))
    if (wanted.dashboard) served.push(wanted.dashboard.name)
    void names.refresh(served, Date.now())
    const { look: newest, handed } = await writtenAt()
    const now = Date.now()
    const isNew = handed !== taken && (await reporter.take(wanted))
    taken = handed
    if (isNew || newest !== seen || wanted !== judgedBy || Math.abs(now - judged) >= poll.judge) {
      seen = newest
      judged = now
      judgedBy = wanted
      const report = await reporter.round(wanted, now, notes)
      page.show(report)
      people.show(report)
    }
    await setTimeout(poll.look, undefined, { signal: end.signal }).catch(() => undefined)
  }
  await page.close()
  await people.close()
  history.close()
}

runService(main)
