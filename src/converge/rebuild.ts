import { join } from 'node:path'
import { z } from 'zod'
import { type ParsedConfig, parseConfig } from '../config/index.ts'
import { TmgenError, TmgenErrors } from '../errors.ts'
import { formatLock, lockFormat, parseLock, type Rebuilt, rebuildLock, type Traces } from '../resolve/index.ts'
import type { World } from '../world.ts'
import { ensureState } from './apply.ts'
import { hostState, refuseOtherHost } from './host.ts'
import { stateFiles } from './state-files.ts'
import { findTraces } from './traces.ts'
import { findWorkspace, openWorkspace, refuseNewer } from './workspace.ts'

/** What a rebuild found, and what it would write. */
export interface Rebuild extends Rebuilt {
  parsed: ParsedConfig
  traces: Traces
  notes: string[]
}

/** A lock that is set aside, where there was one. */
const aside = 'tmgen.lock.json.before-rebuild'

/**
 * Makes tmgen.lock.json anew from what the rest tells, under the run lock. It writes that file alone, and the old lock
 * beside it; what follows from the lock is the next command's.
 * @param review shown what was found before anything is written; when it throws, nothing is
 * @returns undefined where the lock is whole and fits the state: nothing is to be done
 * @throws TmgenErrors `lock-lost` naming every contradiction
 */
export async function rebuild(
  world: World,
  from: string,
  review: (found: Rebuild) => Promise<void>,
): Promise<Rebuild | undefined> {
  const dir = await findWorkspace(world, from)
  await ensureState(world, dir)
  const release = await world.holdLock(join(dir, stateFiles.runLock), 'lock rebuild')
  try {
    await refuseNewerLock(world, dir)
    if (await isWhole(world, dir)) return undefined
    const yaml = await world.disk.readFile(join(dir, 'tmgen.yaml'))
    const parsed = parseConfig(yaml ?? new Uint8Array(), 'tmgen.yaml')
    const { traces, notes } = await findTraces(world, dir, parsed.config)
    const found = { ...rebuildLock(parsed, traces), parsed, traces, notes }
    if (found.contradictions.length > 0)
      throw new TmgenErrors(
        found.contradictions.map(
          (text) =>
            new TmgenError('lock-lost', text, {
              hint: 'nothing was written; put right what is wrong (a copied folder, a disk that is not mounted), or take the lock from a backup',
            }),
        ),
      )
    if (parsed.config.host === 'local') refuseOtherHost(await hostState(world, dir, found.lock.workspace))
    await review(found)
    const old = await world.disk.readFile(join(dir, 'tmgen.lock.json'))
    if (old !== undefined) await world.disk.writeFile(join(dir, aside), old, 0o644)
    await world.disk.writeFile(join(dir, 'tmgen.lock.json'), formatLock({ ...found.lock, tmgen: world.version }), 0o644)
    return found
  } finally {
    await release()
  }
}

const peekSchema = z.object({ version: z.number(), tmgen: z.string().optional() })

/** The lock of a newer tmgen is no lost one, also where this one cannot read it. Throws TmgenError(s) `lock-invalid`. */
async function refuseNewerLock(world: World, dir: string): Promise<void> {
  const bytes = (await world.disk.readFile(join(dir, 'tmgen.lock.json'))) ?? new Uint8Array()
  const { data, success } = peekSchema.safeParse(parsedJson(bytes))
  if (!success) return
  refuseNewer(data.tmgen, world.version, 'tmgen.lock.json')
  if (data.version > lockFormat.version) parseLock(bytes, 'tmgen.lock.json')
}

function parsedJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}

/** Whether there is a lock that is readable and not behind the state. */
async function isWhole(world: World, dir: string): Promise<boolean> {
  try {
    return (await openWorkspace(world, dir)).lock !== undefined
  } catch (error) {
    const all = error instanceof TmgenErrors ? error.errors : [error]
    const isLock = all.every((one) => one instanceof TmgenError && /^lock-/.test(one.code))
    if (!isLock) throw error
    return false
  }
}
