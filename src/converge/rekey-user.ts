import { checkNode } from '../config/index.ts'
import { TmgenError } from '../errors.ts'
import { beginRekey, endRekey } from '../resolve/index.ts'
import type { World } from '../world.ts'
import type { Command, Once, Outcome } from './command.ts'
import { openWorkspace } from './workspace.ts'

/**
 * Gives a node a new key in three runs, because a node that goes on with its state keeps its key. The first cuts
 * the route; the second deletes the node and its state; the third makes an auth key, with which the gateway enrols the
 * node anew, under the same name. Killed in between, the lock says so, and the same command goes on there.
 */
export async function rekeyUser(
  world: World,
  dir: string,
  command: Command & { rekey: string },
  once: Once,
): Promise<Outcome> {
  const { rekey: name } = command
  const { parsed } = await openWorkspace(world, dir)
  checkNode(parsed, name)
  if (parsed.config.host === 'remote')
    throw new TmgenError('usage', 'host: remote: the key of a node can be replaced on the Docker host alone', {
      hint: `there, with host: local: tmgen rotate ${name} --key`,
    })
  const check = await once({ ...command, editLock: (lock) => beginRekey(lock, name) }, { phase: 'check' })
  const rest = async (phase: 'move' | 'back', more: Partial<Command> = {}) =>
    once({ ...command, ...more }, { phase }).catch((error) => {
      command.onNote?.(`${name} has no access; the rest is not done: run the same command again`)
      throw error
    })
  const move = await rest('move')
  const back = await rest('back', { editLock: (lock) => endRekey(lock, name) })
  const all = [check, move, back]
  return { ...back, steps: all.flatMap((one) => one.steps), notes: [...new Set(all.flatMap((one) => one.notes))] }
}
