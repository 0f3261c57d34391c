import { basename, dirname, join } from 'node:path'
import type { Decision } from './decide.ts'
import type { Argv, Place } from './types.ts'

type Possible = Exclude<Place, { kind: 'none' }>

/** ZFS: ours are told from others by this. */
export const zfsPrefix = 'tmgen-'

const zfsName = ({ dataset }: Extract<Place, { kind: 'zfs' }>, name: string) => `${dataset}@${zfsPrefix}${name}`

/** What is run for a decision, in this order: a new one first, and what goes last. */
export function takeCommands(place: Possible, { take, keep, letGo }: Decision): Argv[] {
  if (place.kind === 'zfs')
    return [
      ...(take === undefined ? [] : [['zfs', 'snapshot', zfsName(place, take)] as const]),
      ...keep.map(({ from, to }): Argv => ['zfs', 'rename', zfsName(place, from), zfsName(place, to)]),
      ...letGo.map((name): Argv => ['zfs', 'destroy', zfsName(place, name)]),
    ]
  const at = (name: string) => join(place.folder, name)
  return [
    ...(take === undefined
      ? []
      : ([
          ['mkdir', '-p', place.folder],
          ['btrfs', 'subvolume', 'snapshot', '-r', place.path, at(take)],
        ] as const)),
    ...keep.map(({ from, to }): Argv => ['mv', '-nT', at(from), at(to)]),
    ...letGo.map((name): Argv => ['btrfs', 'subvolume', 'delete', at(name)]),
  ]
}

/** A writable copy of a snapshot beside the live data, which stays as it is. */
export function restoreCommands(place: Possible, name: string): { path: string; commands: Argv[] } {
  if (place.kind === 'btrfs') {
    const path = join(dirname(place.path), `${basename(place.path)}.restored-${name}`)
    return { path, commands: [['btrfs', 'subvolume', 'snapshot', join(place.folder, name), path]] }
  }
  const dataset = `${place.dataset}.restored-${name}`
  const path = `${place.path}.restored-${name}`
  return { path, commands: [['zfs', 'clone', '-o', `mountpoint=${path}`, zfsName(place, name), dataset]] }
}
