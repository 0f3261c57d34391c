import { setTimeout } from 'node:timers/promises'
import type { Provider } from '../control/index.ts'
import { TmgenError } from '../errors.ts'
import { printable } from '../ui/printable.ts'
import type { Context } from './context.ts'
import { look } from './look.ts'

/** Building the image from nothing takes minutes on a small machine; in ms. */
const startTimeoutMs = 30 * 60_000
/** Headscale answers within seconds; with ACME the first certificate may take longer. In ms. */
const healthTimeoutMs = 120_000
const pollMs = 500

/** Starts the embedded Headscale alone, waits until it answers, and sets the policy that lets nobody in. */
export async function startEmbedded(context: Context): Promise<void> {
  const { ui, dir } = context
  const world = await context.world()
  const { deployment } = await look(context, 'no')
  const control = await import('../control/index.ts')
  const provider = control.makeProvider(deployment, { world, workspaceDir: dir })
  await ui.progress('starting Headscale (the first time builds its image: some minutes)', async () => {
    const args = ['compose', 'up', '-d', '--build', 'headscale']
    const { exitCode, stderr } = await world.docker.run(args, { cwd: dir, timeoutMs: startTimeoutMs })
    if (exitCode !== 0) throw notStarted(stderr)
  })
  await ui.progress('waiting for Headscale', () => healthy(provider))
  const before = await provider.readPolicy()
  await provider.writePolicy({ text: control.formatPolicy(control.policyFor(deployment)), etag: before?.etag })
  ui.done('Headscale runs; its policy lets nobody reach anything yet')
}

/** Waits until the embedded Headscale answers; the last error is thrown where it does not. */
export async function healthy(provider: Provider, timeoutMs = healthTimeoutMs): Promise<void> {
  const end = Date.now() + timeoutMs
  for (;;) {
    try {
      await provider.check()
      return
    } catch (error) {
      if (!(error instanceof TmgenError) || Date.now() > end) throw error
      await setTimeout(pollMs)
    }
  }
}

function notStarted(stderr: string): TmgenError {
  const last = printable(stderr.trim().split('\n').at(-1) ?? '')
  return new TmgenError('docker', `Headscale did not start: ${last}`, {
    hint: 'the workspace stands; look at `docker compose logs headscale`, then docker compose up -d headscale',
  })
}
