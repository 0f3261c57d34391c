import { TmgenError } from '../errors.ts'
import { userNamed } from '../resolve/index.ts'
import type { World } from '../world.ts'
import type { Command, Once, Outcome } from './command.ts'
import { openWorkspace } from './workspace.ts'

/**
 * Removes a user in two runs: the first takes the user out of tmgen.yaml, cuts the route and stops the container; the
 * second puts the data aside, ends node and key, and forgets the user. Killed in between, the user is in the lock alone,
 * and the same command goes on there. With `purge` a third run deletes what was put aside, also by an earlier removal.
 */
export async function removeUser(
  world: World,
  dir: string,
  command: Command & { remove: string },
  once: Once,
): Promise<Outcome> {
  const { edit: _edit, ...rest } = command
  const { remove: name, purge = false } = command
  const { lock, parsed } = await openWorkspace(world, dir)
  if (purge && parsed.config.host === 'remote')
    throw new TmgenError('usage', 'host: remote: the data lies on the Docker host, and tmgen is not there', {
      hint: `tmgen remove user ${name} ends access; delete the data on that host`,
    })
  const [id] = lock === undefined ? [] : (userNamed(lock, name) ?? [])
  const deleteData = (ids?: readonly string[], storage?: string) =>
    once({ ...rest, remote: 'no' }, { phase: 'purge', request: { user: name, ids, storage } })
  if (id === undefined && purge && !parsed.config.users.some((user) => user.name === name)) {
    const earlier = await deleteData()
    if (earlier.steps.length > 0) return earlier
    throw new TmgenError('storage', `nothing that a removed user ${name} left was found`, {
      hint: 'a storage folder of its own elsewhere is not looked for: delete that yourself',
    })
  }
  const cut = await once(command, { phase: 'cut' })
  const storage = cut.observed.leaving?.user.storage
  const end = await once(rest, { phase: 'end', storage }).catch((error) => {
    command.onNote?.(`the access of ${name} has ended; the rest is not done: run the same command again`)
    throw error
  })
  const all = [cut, end, ...(purge && id !== undefined ? [await deleteData([id], storage)] : [])]
  return {
    ...end,
    steps: all.flatMap((one) => one.steps),
    notes: [...new Set(all.flatMap((one) => one.notes))],
  }
}
