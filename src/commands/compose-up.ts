import { TmgenError } from '../errors.ts'
import { printable } from '../ui/printable.ts'
import type { Context } from './context.ts'

/** Building the images from nothing takes minutes on a small machine; in ms. */
const timeoutMs = 30 * 60_000

/**
 * `docker compose up -d` in the workspace: makes anew only what its definition changed of. Not --build: an image's tag
 * carries the hash of its build context, so a missing one is built, while rebuilding the others could give them another
 * id and have every container made anew.
 * @throws TmgenError `docker` with the last line that compose said
 */
export async function composeUp({ ui, dir, world }: Context, flags: readonly string[] = []): Promise<void> {
  const { docker } = await world()
  const args = ['compose', 'up', '-d', ...flags]
  await ui.progress('docker compose up -d (when images are built: some minutes)', async () => {
    const { exitCode, stderr } = await docker.run(args, { cwd: dir, timeoutMs })
    if (exitCode === 0) return
    throw new TmgenError('docker', `docker compose up failed: ${printable(stderr.trim().split('\n').at(-1) ?? '')}`, {
      hint: 'files and keys are as they should be; look at docker compose logs, then run tmgen apply again',
    })
  })
}
