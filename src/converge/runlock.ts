import { readFileSync, writeFileSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import { lock } from 'proper-lockfile'
import { z } from 'zod'
import { TmgenError } from '../errors.ts'
import { giveUpReserve, isFull, withRoom } from './reserve.ts'

const holderSchema = z.object({
  pid: z.number().int().positive(),
  /** Start of the process in clock ticks since boot: tells a process from a later one with the same pid. */
  started: z.string(),
  host: z.string(),
  command: z.string(),
  since: z.string(),
})
type Holder = z.infer<typeof holderSchema>

/** Field 22 of /proc/PID/stat, counted behind the command name, which may hold blanks; '' where there is no such process. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}

function isAlive(holder: Holder): boolean {
  // A process of another machine (a shared disk) cannot be looked at: taken as alive.
  if (holder.host !== hostname()) return true
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  return holder.started === '' || holder.started === startOf(holder.pid)
}

async function readHolder(file: string): Promise<Holder | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '')
  try {
    return holderSchema.parse(JSON.parse(text))
  } catch {
    return undefined // absent, or cut short by a kill: nobody's
  }
}

/**
 * Takes the run lock: `file` says who holds it. Reading and writing it is itself guarded by a short lock beside it, so
 * that two runs that find a dead holder cannot both take over.
 * @returns the release
 * @throws TmgenError `busy` with the holder's command, pid and start; `disk` when the folder cannot be written
 */
export async function holdRunLock(file: string, command: string, now: Date): Promise<() => Promise<void>> {
  const leave = await guard(file)
  try {
    const holder = await readHolder(file)
    if (holder !== undefined && isAlive(holder)) {
      const where = holder.host === hostname() ? '' : ` on ${holder.host}`
      throw new TmgenError(
        'busy',
        `another tmgen works in this workspace: "${holder.command}", pid ${holder.pid}${where}, since ${holder.since}`,
        {
          hint:
            where === '' ? 'wait until it is done' : `wait until it is done; if that machine is gone, remove ${file}`,
        },
      )
    }
    const own: Holder = {
      pid: process.pid,
      started: startOf(process.pid),
      host: hostname(),
      command,
      since: now.toISOString(),
    }
    withRoom(file, () => writeFileSync(file, `${JSON.stringify(own)}\n`, { mode: 0o600 }))
  } catch (error) {
    throw error instanceof TmgenError ? error : unwritable(file, error)
  } finally {
    await leave()
  }
  return () => rm(file, { force: true })
}

/** Tries to get the short lock, and the wait between two in ms: together longer than a killed holder's 2 s. */
const tries = { count: 60, waitMs: 50 }

/** proper-lockfile's own lock, held for milliseconds; a killed holder's is stale after 2 s, its least. */
async function guard(file: string): Promise<() => Promise<void>> {
  for (let left = tries.count; ; left--) {
    try {
      return await lock(file, { realpath: false, stale: 2000 })
    } catch (error) {
      if (isFull(error) && giveUpReserve(file)) continue
      if ((error as NodeJS.ErrnoException).code !== 'ELOCKED') throw unwritable(file, error)
      if (left > 0) await setTimeout(tries.waitMs)
      else
        throw new TmgenError('busy', `another tmgen is just taking the run lock ${file}`, {
          hint: 'try again',
          cause: error,
        })
    }
  }
}

function unwritable(file: string, error: unknown): TmgenError {
  return new TmgenError('disk', `cannot write ${file}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`, {
    hint: 'run tmgen as the owner of the workspace, on a disk that is writable and not full',
    cause: error,
  })
}
