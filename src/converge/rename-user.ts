import { checkUser, renameUserText } from '../config/index.ts'
import { TmgenError } from '../errors.ts'
import { beginRename, endRename, userNamed } from '../resolve/index.ts'
import type { World } from '../world.ts'
import type { Command, Once, Outcome } from './command.ts'
import { usualStorage, whyStays } from './renaming.ts'
import { openWorkspace } from './workspace.ts'

/**
 * Renames a user in three runs. The first gives tmgen.yaml and the lock the new name, with the former one beside it: the
 * route is cut and the container stopped. The second has all follow that has the former name. The third takes the former
 * name out of the lock: the route comes back. Killed in between, the former name is in the lock, and the same command
 * goes on there. Numbers, password, node and data stay the same.
 */
export async function renameUser(
  world: World,
  dir: string,
  command: Command & { rename: { from: string; to: string } },
  once: Once,
): Promise<Outcome> {
  const { from, to } = command.rename
  const { parsed, lock } = await openWorkspace(world, dir)
  const { host, storage, users } = parsed.config
  if (host === 'remote')
    throw new TmgenError('usage', 'host: remote: the node of a user can be renamed on the Docker host alone', {
      hint: `there, with host: local: tmgen rename user ${from} ${to}`,
    })
  const isBegun = lock !== undefined && userNamed(lock, to)?.[1].formerly === from
  if (isBegun && !users.some((one) => one.name === to))
    throw new TmgenError('usage', `${to} is no longer in tmgen.yaml, amid a rename`, {
      hint: `put the entry of ${to} back, then run the same command again`,
    })
  // A rename that is done, asked for once more, is a mistake rather than nothing to do.
  const user = isBegun ? undefined : checkUser(parsed, from)[1]
  if (user !== undefined && users.some((one) => one.name === to))
    throw new TmgenError('usage', `there is a user ${to} already`, { hint: 'choose another name' })
  const usual = usualStorage(storage.root, from)
  const why =
    user !== undefined && user.storage === undefined
      ? await whyStays(world, usual, usualStorage(storage.root, to))
      : undefined
  const check = await once(
    {
      ...command,
      edit: (config) =>
        isBegun ? config.text : renameUserText(config, from, to, why === undefined ? undefined : usual),
      editLock: (before) => beginRename(before, from, to),
    },
    { phase: 'check' },
  )
  const rest = async (phase: 'move' | 'back', more: Partial<Command> = {}) =>
    once({ ...command, ...more }, { phase }).catch((error) => {
      command.onNote?.(`${to} has no access; the rest is not done: run the same command again`)
      throw error
    })
  const move = await rest('move')
  const back = await rest('back', { editLock: (before) => endRename(before, to) })
  const all = [check, move, back]
  const stays = why === undefined ? [] : [`the data stays in ${usual}: ${why}`]
  return {
    ...back,
    steps: all.flatMap((one) => one.steps),
    notes: [...new Set([...stays, ...all.flatMap((one) => one.notes)])],
  }
}
