import { TmgenError } from '../errors.ts'
import type { Mount } from '../world.ts'

/** A real path with what to call it; two of which neither is storage may overlap. */
export interface Located {
  what: string
  path: string
  isStorage: boolean
}

const isBelow = (path: string, folder: string) => folder === '/' || path === folder || path.startsWith(`${folder}/`)

/** The mount that a real path lies on. */
export function mountOf(path: string, mounts: readonly Mount[]): Mount | undefined {
  let best: Mount | undefined
  // Of equal mount points the last one is on top.
  for (const mount of mounts)
    if (isBelow(path, mount.path) && (best === undefined || mount.path.length >= best.path.length)) best = mount
  return best
}

/** Where a path really lies: `device` and the path inside that filesystem, so that bind mounts do not hide anything. */
function placeOf(path: string, mounts: readonly Mount[]): string {
  const best: Mount = mountOf(path, mounts) ?? { device: '?', root: '/', path: '/' }
  const rest = best.path === '/' ? path : path.slice(best.path.length)
  return placeIn(best.device, best.root, rest)
}

const placeIn = (device: string, root: string, rest: string) =>
  `${device}:${`${root}/${rest}`.replace(/\/+/g, '/').replace(/(?<=.)\/$/, '')}`

/** A place and all that it lies in, itself first. */
function chainOf(place: string): string[] {
  const chain = [place]
  let at = place
  for (;;) {
    const slash = at.lastIndexOf('/')
    const isTop = at.endsWith(':/')
    if (slash < 0 || isTop) return chain
    at = at[slash - 1] === ':' ? at.slice(0, slash + 1) : at.slice(0, slash)
    chain.push(at)
  }
}

/**
 * Finds storage that is equal to, inside or above another's, the workspace or Docker's root.
 * @param all real paths (links resolved)
 * @param mounts as in /proc/self/mountinfo; empty: paths alone are compared
 * @returns a TmgenError `storage` for each pair
 */
export function findOverlaps(all: readonly Located[], mounts: readonly Mount[]): TmgenError[] {
  const own = all.map((one) => placeOf(one.path, mounts))
  const owners = new Map<string, number[]>()
  const claim = (place: string, index: number) => owners.set(place, [...(owners.get(place) ?? []), index])
  for (const [index, one] of all.entries()) {
    claim(own[index]!, index)
    // A filesystem mounted below belongs to what is above it.
    for (const mount of mounts)
      if (mount.path !== one.path && isBelow(mount.path, one.path)) claim(placeIn(mount.device, mount.root, ''), index)
  }
  const errors: TmgenError[] = []
  const seen = new Set<string>()
  for (const [index, one] of all.entries()) {
    for (const place of chainOf(own[index]!)) {
      for (const other of owners.get(place) ?? []) {
        const above = all[other]!
        const pair = [index, other].sort((a, b) => a - b).join()
        if (other === index || seen.has(pair) || !(one.isStorage || above.isStorage)) continue
        seen.add(pair)
        const isSame = own[index] === own[other]
        errors.push(
          new TmgenError(
            'storage',
            `${one.what} (${one.path}) is ${isSame ? 'the same folder as' : 'inside'} ${above.what} (${above.path})`,
            {
              hint: 'give each a folder of its own; links and bind mounts are followed',
            },
          ),
        )
      }
    }
  }
  return errors
}
