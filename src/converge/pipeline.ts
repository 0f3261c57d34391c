import { join } from 'node:path'
import { makeProvider } from '../control/index.ts'
import type { World } from '../world.ts'
import { ensureState } from './apply.ts'
import type { Command, Dependencies, Once, Outcome } from './command.ts'
import { claimHost, hostState } from './host.ts'
import { readJournal } from './journal.ts'
import { recoverHere, refuseRecoveryElsewhere } from './recover-here.ts'
import { rekeyUser } from './rekey-user.ts'
import { removeUser } from './remove-user.ts'
import { renameUser } from './rename-user.ts'
import { runOnce } from './run-once.ts'
import { stateFiles } from './state-files.ts'
import { findWorkspace } from './workspace.ts'

/**
 * The one way of every command: load, resolve, render, observe, plan, apply, under the run lock and after the recovery
 * of an interrupted run. A failure before apply leaves every file as it was; one in apply before tmgen.yaml is written
 * is taken back at once, a later one is finished by the next run.
 * @throws TmgenError or TmgenErrors of any stage
 */
export async function pipeline(
  world: World,
  from: string,
  command: Command,
  dependencies: Dependencies = { makeProvider },
): Promise<Outcome> {
  const dir = await findWorkspace(world, from)
  const run = (wanted: Command) => runOnce(world, dir, wanted, dependencies)
  if (command.checkOnly === true) {
    const outcome = await run(command)
    const journal = await readJournal(world, dir)
    if (journal !== undefined)
      outcome.notes.unshift(
        `"${journal.command}" of ${journal.at} was interrupted; the next command that writes ends it`,
      )
    return outcome
  }
  await ensureState(world, dir)
  const release = await world.holdLock(join(dir, stateFiles.runLock), command.name)
  try {
    if (command.adopt !== true) await refuseRecoveryElsewhere(world, dir)
    const recovery = await recoverHere(world, dir, dependencies)
    for (const note of recovery.notes) command.onNote?.(note)
    if (recovery.mustFinish) {
      const { name, users, adopt, onStep, onNote } = command
      const rest = {
        ...(users && { users }),
        ...(adopt && { adopt }),
        ...(onStep && { onStep }),
        ...(onNote && { onNote }),
      }
      await run({ ...rest, name: `${name} (finishing)`, permits: 'local', remote: 'no', toleratesOvercommit: true })
    }
    const once: Once = (wanted, stage) => runOnce(world, dir, wanted, dependencies, stage)
    const { remove, rename, rekey } = command
    const outcome =
      remove !== undefined
        ? await removeUser(world, dir, { ...command, remove }, once)
        : rename !== undefined
          ? await renameUser(world, dir, { ...command, rename }, once)
          : rekey !== undefined
            ? await rekeyUser(world, dir, { ...command, rekey }, once)
            : await run(command)
    const { deployment, lock } = outcome
    const notes = [...recovery.notes, ...outcome.notes]
    if (deployment.host === 'remote') return { ...outcome, notes }
    const state = await hostState(world, dir, lock.workspace)
    const claimed = await claimHost(world, dir, lock.workspace, state, command.adopt === true)
    return { ...outcome, notes: [...notes, ...claimed] }
  } finally {
    await release()
  }
}
