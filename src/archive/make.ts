import { join } from 'node:path'
import { ensureState } from '../converge/apply.ts'
import { readEnrolled } from '../converge/enrolled.ts'
import { hostState, refuseOtherHost } from '../converge/host.ts'
import { readJournal } from '../converge/journal.ts'
import { stateFiles } from '../converge/state-files.ts'
import { findWorkspace, openWorkspace } from '../converge/workspace.ts'
import { TmgenError } from '../errors.ts'
import type { World } from '../world.ts'
import { collect } from './collect.ts'
import { startRecord } from './record.ts'
import type { About, Archive } from './types.ts'

/**
 * Collects a workspace, has `save` write it, and takes note of that; under the run lock, so that no other tmgen changes
 * it meanwhile.
 * @param save writes the archive and makes sure of it
 * @throws errors of config, lock and state; TmgenError `busy` where an interrupted run is to be ended first
 */
export async function backUp<T>(
  world: World,
  from: string,
  save: (archive: Archive) => Promise<T>,
): Promise<T & { notes: string[] }> {
  const dir = await findWorkspace(world, from)
  await ensureState(world, dir)
  const release = await world.holdLock(join(dir, stateFiles.runLock), 'backup')
  try {
    const journal = await readJournal(world, dir)
    if (journal !== undefined)
      throw new TmgenError(
        'busy',
        `"${journal.command}" of ${journal.at} was interrupted: half of it would be backed up`,
        {
          hint: 'tmgen generate finishes or undoes it; then run the backup again',
        },
      )
    const { parsed, lock } = await openWorkspace(world, dir)
    if (lock === undefined)
      throw new TmgenError('lock-lost', 'there is no tmgen.lock.json to back up', { hint: 'first: tmgen generate' })
    if (parsed.config.host === 'local') refuseOtherHost(await hostState(world, dir, lock.workspace))
    const enrolled = await readEnrolled(
      world,
      dir,
      Object.values(lock.users).map((user) => user.name),
    )
    const record = await startRecord(world, dir, lock)
    const { files, notes } = await collect(world.disk, dir)
    const about: About = {
      version: 1,
      tmgen: world.version,
      at: world.now().toISOString(),
      workspace: lock.workspace,
      name: parsed.config.workspace,
      provider: parsed.config.control.provider,
      serial: lock.serial,
      users: Object.values(lock.users).map(({ name }) => ({ name, node: enrolled.get(name) ?? null })),
    }
    const saved = await save({ about, files })
    await record()
    if (parsed.config.host === 'remote')
      notes.push('host: remote: the node keys are on the Docker host, and not in this backup')
    return { ...saved, notes }
  } finally {
    await release()
  }
}
