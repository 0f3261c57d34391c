import { basename } from 'node:path'
import { TmgenError } from '../errors.ts'
import type { World } from '../world.ts'
import { ask } from './containers.ts'
import type { Stray } from './types.ts'

/**
 * Processes and running containers that use the data at a real path.
 * @param except containers of our own that are stopped first
 * @param hint what to do about each
 * @returns a TmgenError `storage` for each, and notes of what could not be looked at
 */
export async function observeUse(
  world: World,
  data: { what: string; path: string },
  except: readonly Stray[] = [],
  hint = 'end that first: what still writes there would write into folders that are moved or deleted',
): Promise<{ faults: TmgenError[]; notes: string[] }> {
  const { what, path } = data
  const faults: TmgenError[] = []
  const inUse = (who: string) =>
    faults.push(new TmgenError('storage', `${what} (${path}) is in use by ${who}`, { hint }))
  const { found, hidden } = await world.host.usersOf(path)
  for (const { pid, command } of found.slice(0, 5)) inUse(`process ${pid} (${command})`)
  for (const { id, name, sources } of (await containerMounts(world)) ?? [])
    if (!except.some(({ container }) => container === id) && sources.some((source) => touches(source, path)))
      inUse(`the container ${name}`)
  const notes = hidden ? ['processes of other users were not looked at: run as root to see all that use the data'] : []
  return { faults, notes }
}

/** A mount of the path itself, of a part of it, or of a folder around it other than the whole disk. */
const touches = (source: string, path: string) =>
  source === path || source.startsWith(`${path}/`) || (source !== '/' && path.startsWith(`${source}/`))

/** Writable mounts of containers, running or all; `undefined` where Docker does not answer. */
export async function containerMounts(
  world: World,
  which: 'running' | 'all' = 'running',
): Promise<{ id: string; name: string; sources: string[] }[] | undefined> {
  const ids = (await ask(world, ['ps', which === 'all' ? '-aq' : '-q', '--no-trunc']))
    ?.split('\n')
    .filter((line) => line !== '')
  if (ids === undefined || ids.length === 0) return ids && []
  // One that ended meanwhile makes the exit code 1; the others are described all the same.
  const described = await world.docker.run(['inspect', '--type', 'container', ...ids])
  let all: { Id: string; Name: string; Mounts?: { Source?: string; RW?: boolean }[] }[]
  try {
    all = JSON.parse(described.stdout)
  } catch {
    return undefined
  }
  return all.map(({ Id, Name, Mounts = [] }) => ({
    id: Id,
    name: basename(Name),
    sources: Mounts.flatMap(({ Source, RW }) => (Source && RW !== false ? [Source] : [])),
  }))
}
