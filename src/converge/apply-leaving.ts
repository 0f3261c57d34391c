import { basename, dirname, join } from 'node:path'
import type { World } from '../world.ts'
import { stopContainer } from './containers.ts'
import { ensureFolder, removeFrom } from './folders.ts'
import { authKeyPath, passwordPath } from './secrets.ts'
import { stateFiles, writeControl, writeState } from './state-files.ts'
import type { ControlState, Manifest, Step } from './types.ts'

const kinds = ['stop-container', 'archive-storage', 'mark-storage', 'forget-user'] as const
export type LeavingStep = Extract<Step, { kind: (typeof kinds)[number] }>

/** Steps on this host that end what a user had. */
export const isLeavingStep = (step: Step): step is LeavingStep => (kinds as readonly string[]).includes(step.kind)

/** Does one step. @returns what the person should know, where it came differently from the step's title */
export async function applyLeaving(
  world: World,
  dir: string,
  records: { control: ControlState; manifest: Manifest },
  step: LeavingStep,
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
    case 'forget-user': {
      await removeFrom(world, dir, passwordPath(step.user))
      await world.disk.removeFile(join(dir, authKeyPath(step.user)))
      await removeTree(world, join(dir, 'state/gateway', step.user))
      delete records.control.users[step.userId]
      await writeControl(world, dir, records.control)
      delete records.manifest.storage[step.userId]
      await writeState(world, dir, stateFiles.manifest, records.manifest)
      return undefined
    }
  }
}

/** Removes a folder of the workspace with all in it; links are removed, not followed. */
async function removeTree(world: World, path: string): Promise<void> {
  const entry = await world.disk.stat(path)
  if (entry?.kind !== 'directory') return world.disk.removeFile(path)
  for (const name of (await world.disk.list(path)) ?? []) await removeTree(world, join(path, name))
  await world.disk.removeEmptyDir(path)
}
