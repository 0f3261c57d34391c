import { basename, dirname, join } from 'node:path'
import { TmgenError } from '../errors.ts'
import { alertsPath } from '../render/index.ts'
import type { World } from '../world.ts'
import { stopContainer } from './containers.ts'
import { ensureFolder, removeFrom } from './folders.ts'
import { gatewayLetsGo } from './gateway-nodes.ts'
import { purge } from './purge.ts'
import { removeTree } from './remove-tree.ts'
import { authKeyPath, passwordPath } from './secrets.ts'
import { stateFiles, writeControl, writeState } from './state-files.ts'
import type { ControlState, Manifest, Step } from './types.ts'

const kinds = [
  'stop-container',
  'archive-storage',
  'mark-storage',
  'forget-user',
  'move-file',
  'move-storage',
  'purge-storage',
  'forget-node',
] as const
export type LeavingStep = Extract<Step, { kind: (typeof kinds)[number] }>

/** Steps on this host that end what a user had under a name. */
export const isLeavingStep = (step: Step): step is LeavingStep => (kinds as readonly string[]).includes(step.kind)

/** Does one step. @returns what the person should know, where it came differently from the step's title */
export async function applyLeaving(
  world: World,
  dir: string,
  records: { control: ControlState; manifest: Manifest; workspace: string },
  step: LeavingStep,
  tell: (progress: string) => void,
): Promise<string | undefined> {
  switch (step.kind) {
    case 'stop-container':
      await stopContainer(world, step)
      return undefined
    case 'archive-storage': {
      const archive = dirname(step.to)
      await ensureFolder(world, dirname(archive), basename(archive))
      if (await world.disk.rename(step.from, step.to)) return undefined
      await world.disk.writeFile(step.mark.path, step.mark.text, 0o644)
      return `${step.from} cannot be moved by a rename: the data stays there, marked as removed`
    }
    case 'mark-storage':
      await world.disk.writeFile(step.mark.path, step.mark.text, 0o644)
      return undefined
    case 'move-file': {
      if (step.node !== undefined) await gatewayLetsGo(world, dir, step.node)
      if (!(await world.disk.rename(join(dir, step.from), join(dir, step.to))))
        throw new TmgenError('disk', `cannot move ${step.from} to ${step.to}: it is mounted there`, {
          hint: 'move it by hand, then run the same command again',
        })
      return undefined
    }
    case 'move-storage': {
      if (!(await world.disk.rename(step.from, step.to)))
        throw new TmgenError('storage', `${step.from} cannot be moved by a rename`, {
          hint: `write storage: ${step.from} under ${step.user} in tmgen.yaml, then run the same command again`,
        })
      records.manifest.storage[step.userId] = step.to
      await writeState(world, dir, stateFiles.manifest, records.manifest)
      return undefined
    }
    case 'forget-node': {
      await gatewayLetsGo(world, dir, step.user)
      await world.disk.removeFile(join(dir, authKeyPath(step.user)))
      // Whose each login is stays known.
      const folder = join(dir, 'state/gateway', step.user)
      for (const name of (await world.disk.list(folder)) ?? [])
        if (name !== 'pins') await removeTree(world, join(folder, name))
      const { createdUser } = records.control.users[step.userId] ?? {}
      records.control.users[step.userId] = createdUser === undefined ? {} : { createdUser }
      await writeControl(world, dir, records.control)
      return undefined
    }
    case 'purge-storage':
      await purge(world, records.workspace, step, tell)
      return undefined
    case 'forget-user': {
      await removeFrom(world, dir, passwordPath(step.user))
      await world.disk.removeFile(join(dir, authKeyPath(step.user)))
      await removeTree(world, join(dir, 'state/gateway', step.user))
      await removeTree(world, join(dir, alertsPath(step.user)))
      delete records.control.users[step.userId]
      await writeControl(world, dir, records.control)
      delete records.manifest.storage[step.userId]
      await writeState(world, dir, stateFiles.manifest, records.manifest)
      return undefined
    }
  }
}
