import { z } from 'zod'
import { TmgenError } from '../errors.ts'
import { printable } from '../ui/printable.ts'
import type { Context } from './context.ts'
import { look, mustBeHere, servedUserOf } from './look.ts'

const testedSchema = z.array(z.object({ channel: z.string().max(300), error: z.string().max(400) }))

/** Each way has 20 s at most, all at a time. In ms. */
const timeoutMs = 60_000

/**
 * `tmgen monitor test-alert [NAME]`: the running monitor sends a test by every way of the operator, or of one person, a watch
 * off the host among them.
 * Exit 1 where one fails.
 */
export async function monitorTestAlert(
  context: Context,
  name: string | undefined,
  { json }: { json?: boolean },
): Promise<number | undefined> {
  const { ui } = context
  const { dir, deployment } = await look(context, 'no')
  mustBeHere(deployment, 'monitor test-alert')
  const user = name === undefined ? undefined : servedUserOf(deployment, name)
  const { alerts, ping } = user?.tell ?? deployment.monitor
  if (alerts.length === 0 && !ping)
    throw new TmgenError('usage', `alerts${user ? ` of ${user.name}` : ''} are off: nobody can be told`, {
      hint: `monitor: {alerts: [webhook]} ${user ? `under ${user.name} ` : ''}in tmgen.yaml (docs/how-to/alerts.md)`,
    })
  const tested = await ask(context, dir, name)
  if (json) ui.json(tested)
  else
    for (const { channel, error } of tested)
      if (error === '') ui.data(`${channel}: delivered`)
      else ui.note(printable(`${channel}: not delivered: ${error}`))
  return tested.some(({ error }) => error !== '') ? 1 : undefined
}

async function ask(context: Context, dir: string, name: string | undefined): Promise<z.output<typeof testedSchema>> {
  const { docker } = await context.world()
  const args = ['compose', 'exec', '-T', 'monitor', 'node', '/usr/lib/tmgen/monitor.cjs', 'test-alert']
  if (name !== undefined) args.push(name)
  const { exitCode, stdout } = await docker.run(args, { cwd: dir, timeoutMs })
  try {
    if (exitCode === 0) return testedSchema.parse(JSON.parse(stdout))
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof z.ZodError)) throw error
  }
  throw new TmgenError('docker', 'the monitor does not run', {
    hint: 'docker compose up -d, then docker compose logs monitor',
  })
}
