import { TmgenError } from '../errors.ts'
import type { World } from '../world.ts'
import type { Limit } from './types.ts'

const unread = (why: string): Limit => ({ state: 'advisory', why: `not read: ${why}` })

/** Names of ZFS datasets (zfs(8)); one that began with a dash would be taken for an option. */
export const isDataset = (name: string): boolean => /^[A-Za-z0-9][A-Za-z0-9 _.:/-]{0,254}$/.test(name)

/** How long a question may take, in ms. */
const timeoutMs = 10_000

async function ask(world: World, name: string, args: string[]): Promise<string | Limit> {
  if (!(await world.tools.has(name))) return unread(`${name} is not installed`)
  try {
    const { exitCode, stdout, stderr } = await world.tools.run(name, args, { timeoutMs })
    if (exitCode !== 0) return unread(stderr.trim().split('\n')[0]?.slice(0, 120) || `${name} failed`)
    return /inconsistent|incorrect/i.test(stderr)
      ? unread('the quota groups are not counted yet: btrfs quota rescan -w')
      : stdout
  } catch (error) {
    if (error instanceof TmgenError) return unread(error.message)
    throw error
  }
}

/** The refquota of a dataset: `zfs get -Hp -o value refquota`, one number of bytes; 0 or none is no limit. */
export async function readRefquota(world: World, dataset: string): Promise<Limit> {
  if (!isDataset(dataset)) return unread(`${JSON.stringify(dataset)} is no name of a dataset`)
  const told = await ask(world, 'zfs', ['get', '-Hp', '-o', 'value', 'refquota', dataset])
  if (typeof told !== 'string') return told
  const [, value] = /^(none|\d{1,16})\n?$/.exec(told) ?? []
  if (value === undefined) return unread('zfs said nothing that is known')
  return value === 'none' || value === '0'
    ? { state: 'advisory', why: 'no refquota is set' }
    : { state: 'enforced', by: 'refquota', bytes: Number(value) }
}

/** The limit of the subvolume at a path, by the table of `btrfs qgroup show -r -f --raw`. */
export async function readQgroup(world: World, path: string): Promise<Limit> {
  const told = await ask(world, 'btrfs', ['qgroup', 'show', '-r', '-f', '--raw', path])
  if (typeof told !== 'string') return /not enabled/i.test(told.state === 'advisory' ? told.why : '') ? noQuota : told
  const bytes = parseQgroup(told)
  if (bytes === undefined) return unread('btrfs said nothing that is known')
  return bytes === 'none' ? { state: 'advisory', why: 'no limit is set' } : { state: 'enforced', by: 'qgroup', bytes }
}

const noQuota: Limit = { state: 'advisory', why: 'quota groups are not switched on' }

/**
 * The largest number of referenced bytes in the one row of a level-0 group. Columns are found by their titles, which
 * btrfs-progs 6 writes "Qgroupid Referenced Exclusive Max referenced Path", and 5 "qgroupid rfer excl max_rfer".
 */
export function parseQgroup(text: string): number | 'none' | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const title = lines[0]?.toLowerCase().replace('max referenced', 'max_rfer').trim().split(/\s+/) ?? []
  const column = title.indexOf('max_rfer')
  const rows = lines.slice(1).filter((line) => /^0\/\d+\s/.test(line))
  const value = rows.length === 1 ? rows[0]!.trim().split(/\s+/)[column] : undefined
  if (column < 3 || value === undefined) return undefined
  return value === 'none' ? 'none' : /^[1-9]\d{0,15}$/.test(value) ? Number(value) : undefined
}
