import { bytesText } from '../bytes.ts'
import { nearest } from '../config/index.ts'
import { quotaBytes } from '../config/rules.ts'
import { TmgenError } from '../errors.ts'
import { type AskedLine, askedLineSchema } from '../monitor/verify/part.ts'
import type { DeployedUser } from '../resolve/types.ts'
import { printable } from '../ui/printable.ts'
import type { Context } from './context.ts'
import { look, mustBeHere, servedUserOf } from './look.ts'
import { isWell, jsonOf, type MacResult, notesOf, resultsOf, resultTable } from './verify-result.ts'

export interface VerifyOptions {
  mac?: string
  all?: boolean
  bytes?: string
  json?: boolean
}

/** Where monitor.verify is off. */
const usualBytes = 2 ** 30

/**
 * `tmgen verify USER`: the scanner reads back at once, and hands on to the monitor what it finds. Exit 1 where something
 * is not as it should be, and where nothing could be read.
 */
export async function verify(context: Context, name: string, options: VerifyOptions): Promise<number | undefined> {
  const { ui } = context
  const { dir, deployment } = await look(context, 'no')
  mustBeHere(deployment, 'verify')
  const user = servedUserOf(deployment, name)
  const macs = macsOf(user, options.mac)
  const bytes =
    options.bytes === undefined ? (deployment.monitor.verify?.bytes ?? usualBytes) : quotaBytes(options.bytes)
  const amount = options.all ? ['--all'] : ['--bytes', String(bytes)]
  const args = [name, ...(options.mac === undefined ? [] : ['--mac', options.mac]), ...amount]
  const results = await ask(context, dir, args, macs)
  if (options.json) ui.json({ user: name, ok: results.every(isWell), macs: results.map(jsonOf) })
  else {
    ui.data(resultTable(results))
    for (const text of results.flatMap(notesOf)) ui.note(printable(text))
  }
  return results.every(isWell) ? undefined : 1
}

function macsOf(user: DeployedUser, wanted: string | undefined): string[] {
  const names = user.macs.map((mac) => mac.name)
  if (wanted === undefined) return names
  if (names.includes(wanted)) return [wanted]
  throw new TmgenError('usage', `${user.name} has no Mac ${JSON.stringify(printable(wanted))}`, {
    hint: nearest(wanted, names) ?? `Macs: ${names.join(', ')}`,
  })
}

async function ask(context: Context, dir: string, asked: string[], macs: readonly string[]): Promise<MacResult[]> {
  const { docker } = await context.world()
  const args = ['compose', 'exec', '-T', 'monitor-scanner', 'node', '/usr/lib/tmgen/scanner.cjs', 'verify', ...asked]
  const lines: AskedLine[] = []
  const { exitCode } = await context.ui.progress(`reading back ${asked[0]}`, (show) => {
    const onLine = (text: string) => {
      const line = lineOf(text)
      if (line === undefined) return
      lines.push(line)
      if ('stand' in line)
        show(`${line.mac}: ${line.stand.read} bands, ${bytesText(line.stand.readBytes)}, ${line.stand.bundle}`)
    }
    return docker.run(args, { cwd: dir, timeoutMs: 0, onLine })
  })
  for (const line of lines) if ('refused' in line) throw new TmgenError('usage', printable(line.refused))
  const results = resultsOf(lines, macs)
  if (results.every(({ end }) => end === undefined))
    throw new TmgenError('docker', `the monitor's scanner does not run, or was ended (exit ${exitCode})`, {
      hint: 'docker compose up -d, then docker compose logs monitor-scanner',
    })
  return results
}

function lineOf(text: string): AskedLine | undefined {
  try {
    return askedLineSchema.safeParse(JSON.parse(text)).data
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
