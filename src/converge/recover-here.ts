import { join } from 'node:path'
import { parseConfig } from '../config/index.ts'
import { TmgenError } from '../errors.ts'
import type { World } from '../world.ts'
import type { Command, Dependencies } from './command.ts'
import { hostState, refuseOtherHost } from './host.ts'
import { readJournal } from './journal.ts'
import { type Recovery, recover } from './recover.ts'
import { readMirror } from './state-files.ts'

/** Ends what an interrupted run left, with the provider that tmgen.yaml names now. */
export async function recoverHere(world: World, dir: string, dependencies: Dependencies): Promise<Recovery> {
  return recover(world, dir, async () => {
    const { parsed } = await openConfig(world, dir)
    return dependencies.makeProvider({ control: parsed.config.control }, { world, workspaceDir: dir })
  })
}

/** To end what an interrupted run left reaches the control plane, and is for the host that the workspace belongs to. */
export async function refuseRecoveryElsewhere(world: World, dir: string): Promise<void> {
  const mirror = await readMirror(world, dir)
  if (mirror === undefined || (await readJournal(world, dir)) === undefined) return
  const opened = await openConfig(world, dir).catch(() => undefined)
  if (opened?.parsed.config.host !== 'remote') refuseOtherHost(await hostState(world, dir, mirror.workspace))
}

/** After a failure inside apply: undoes what can be undone now. What cannot is left to the next run, by the journal. */
export async function takeBack(world: World, dir: string, dependencies: Dependencies, command: Command): Promise<void> {
  try {
    await recoverHere(world, dir, dependencies)
  } catch (error) {
    if (!(error instanceof TmgenError)) throw error
    command.onNote?.(`not all could be undone now (${error.message}); the next tmgen command does it`)
  }
}

async function openConfig(world: World, dir: string) {
  const yaml = await world.disk.readFile(join(dir, 'tmgen.yaml'))
  if (yaml === undefined) throw new TmgenError('config-missing', `no tmgen.yaml in ${dir}`)
  return { parsed: parseConfig(yaml, 'tmgen.yaml') }
}
