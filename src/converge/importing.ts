import { join } from 'node:path'
import { isBundle } from '../backups/index.ts'
import { TmgenError, TmgenErrors } from '../errors.ts'
import { printable } from '../ui/printable.ts'
import type { Entry, World } from '../world.ts'
import type { FormerSamba } from './import-settings.ts'
import { containerMounts, observeUse } from './in-use.ts'

/** Data that was there before tmgen, and whose it becomes. */
export interface ImportWish {
  user: string
  /** As configured: absolute. */
  path: string
  /** Each Mac with its bundle; of the only one it need not be named. */
  macs: readonly { name: string; bundle?: string | undefined }[]
  former?: FormerSamba | undefined
}

/** What lies there. */
export interface SeenImport {
  user: string
  /** Real path. */
  path: string
  /** Owner of all files that were looked at. */
  uid: number
  gid: number
  /** Share folders to make, and bundles that go into them by a rename. */
  shares: string[]
  moves: { from: string; to: string }[]
  /** Entries that stay where they are, and are not served. */
  rest: string[]
  former: FormerSamba | undefined
  notes: string[]
}

/** Files whose owner is looked at: every one up to this; a terabyte has about 130,000 bands. */
const mostFiles = 500_000

const fault = (message: string, hint: string) => new TmgenError('storage', printable(message), { hint })

/**
 * Looks at a folder of sparse bundles that another Samba served.
 * @throws TmgenErrors `storage` with all that speaks against taking it over: no bundle, bundles without a Mac, owners
 * that differ, anything that uses the path; TmgenError `docker` where containers cannot be asked
 */
export async function observeImport(world: World, wish: ImportWish): Promise<SeenImport> {
  const { disk } = world
  const entry = await disk.stat(wish.path)
  if (entry?.kind !== 'directory')
    throw fault(
      `${wish.path} ${entry === undefined ? 'does not exist' : entry.kind === 'symlink' ? 'is a link' : 'is no folder'}`,
      'name the folder itself that holds the sparse bundles',
    )
  const path = (await disk.realpath(wish.path)) ?? wish.path
  const { shares, moves, bundles, rest, faults } = await assign(world, path, wish)
  const owners = await ownersOf(world, bundles)
  const [uid = 0, ...others] = owners.keys()
  if (others.length > 0)
    faults.push(
      fault(
        `the files belong to several UIDs: ${[...owners].map(([id, file]) => `${id} (${file})`).join(', ')}`,
        'a share has one owner: chown -R the bundles to one UID first, while nothing uses them',
      ),
    )
  else if (bundles.length > 0 && (uid < 1000 || uid > 60_000))
    faults.push(
      fault(`the files belong to UID ${uid}: a user has one from 1000 to 60000`, 'chown -R them to such a UID first'),
    )
  else if (!isPassable(entry, uid))
    faults.push(fault(`UID ${uid} may not pass ${path}`, `chmod o+x ${path}, or chown ${uid} ${path}`))
  const use = await observeUse(
    world,
    { what: 'the data', path },
    [],
    'stop what served it so far, for good: two servers on one bundle destroy it',
  )
  faults.push(...use.faults)
  const idle = await containerMounts(world, 'all')
  if (idle === undefined)
    throw new TmgenError('docker', `Docker does not answer: whether a container uses ${path} is not known`, {
      hint: 'start Docker, then run the command again',
    })
  if (faults.length > 0) throw new TmgenErrors(faults)
  const notes = [...use.notes]
  for (const { name, sources } of idle)
    if (sources.some((source) => source === path || source.startsWith(`${path}/`)))
      notes.push(`the stopped container ${name} mounts ${path}: remove it, so that it never starts again`)
  const gid = (await disk.stat(bundles[0] ?? path))?.gid ?? uid
  return { user: wish.user, path, uid, gid, shares, moves, rest, former: wish.former, notes }
}

/** Which bundle goes into which share; those that lie in a share's folder already stay there. */
async function assign(world: World, path: string, { macs }: ImportWish) {
  const { disk } = world
  const faults: TmgenError[] = []
  const names = (await disk.list(path)) ?? []
  const top = new Set(names.filter(isBundle))
  const shares: string[] = []
  const moves: { from: string; to: string }[] = []
  const bundles: string[] = []
  const free = [...top].filter((name) => !macs.some((mac) => mac.bundle === name))
  for (const { name, bundle } of macs) {
    const share = join(path, name)
    const there = await disk.stat(share)
    if (there !== undefined && there.kind !== 'directory') {
      faults.push(fault(`${share} is no folder: the share ${name} goes there`, 'give the Mac another name'))
      continue
    }
    if (there === undefined) shares.push(share)
    const inside = there === undefined ? [] : ((await disk.list(share)) ?? []).filter(isBundle)
    const wanted = bundle ?? (macs.length === 1 && free.length === 1 ? free[0] : undefined)
    bundles.push(...inside.map((one) => join(share, one)))
    if (wanted !== undefined && top.has(wanted)) {
      const from = join(path, wanted)
      bundles.push(from)
      top.delete(wanted)
      if (inside.includes(wanted)) faults.push(fault(`${wanted} lies in ${path} and in ${share}`, 'keep one of them'))
      else moves.push({ from, to: join(share, wanted) })
    } else if (inside.length === 0 || (bundle !== undefined && !inside.includes(bundle)))
      faults.push(fault(`there is no sparse bundle ${bundle ?? ''} for ${name} in ${path}`, bundleHint(free)))
  }
  for (const name of top)
    faults.push(fault(`${name} in ${path} is nobody's`, `say whose Mac it is of: --mac NAME=${printable(name)}`))
  const used = new Set([...macs.map((mac) => mac.name), ...moves.map(({ from }) => from.slice(path.length + 1))])
  const rest = names.filter((name) => !used.has(name) && !top.has(name) && name !== 'lost+found')
  return { shares, moves, bundles, rest, faults }
}

const bundleHint = (free: readonly string[]) =>
  free.length === 0 ? 'name the folder that holds the .sparsebundle' : `there are: ${free.map(printable).join(', ')}`

/** Owners of bundles and what is in them, each with a file; links are not followed. */
async function ownersOf(world: World, bundles: readonly string[]): Promise<Map<number, string>> {
  const owners = new Map<number, string>()
  let left = mostFiles
  const visit = async (path: string, depth: number): Promise<void> => {
    const entry = await world.disk.stat(path)
    if (entry === undefined || left-- <= 0) return
    if (!owners.has(entry.uid)) owners.set(entry.uid, path)
    if (entry.kind !== 'directory' || depth === 0) return
    for (const name of (await world.disk.list(path)) ?? []) await visit(join(path, name), depth - 1)
  }
  // bundle / bands / file
  for (const bundle of bundles) await visit(bundle, 2)
  return owners
}

/** Whether a UID, whose group has the same number, may go through a folder. */
function isPassable({ uid, gid, mode }: Entry, who: number): boolean {
  const bit = uid === who ? 0o100 : gid === who ? 0o010 : 0o001
  return (mode & bit) !== 0
}

/** Does the renames of an import; what is done already is fine. The marker is written after it. */
export async function importData(world: World, { uid, gid, shares, moves }: SeenImport): Promise<void> {
  const { disk } = world
  for (const share of shares) {
    await disk.makeDir(share, 0o700)
    await disk.chown(share, uid, gid)
  }
  for (const { from, to } of moves) {
    if ((await disk.stat(from)) === undefined && (await disk.stat(to)) !== undefined) continue
    if (!(await disk.rename(from, to)))
      throw fault(
        `${from} cannot be moved to ${to} by a rename`,
        'it is a mount point: unmount it, or mount it at its new place',
      )
  }
}
