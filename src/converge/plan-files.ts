import { TmgenError } from '../errors.ts'
import type { Tree } from '../render/types.ts'
import { sha256 } from './hash.ts'
import type { Part } from './plan-types.ts'
import type { Observed, Step } from './types.ts'

/** Written last: the gateway takes it up at once, so all that it names must be there. */
const lastFile = 'generated/caddy/config.json'

/**
 * Compares the tree with the disk and with the manifest of what tmgen wrote.
 * A file that is neither as wanted nor as last written was changed by hand, or is foreign: `drift`.
 */
export function planFiles(tree: Tree, observed: Observed): Part {
  const writes: Step[] = []
  const removals: Step[] = []
  const errors: TmgenError[] = []
  const owned = observed.manifest.files
  for (const path of [...tree.keys()].sort(
    (a, b) => Number(a === lastFile) - Number(b === lastFile) || (a < b ? -1 : 1),
  )) {
    const { content, mode } = tree.get(path)!
    const found = observed.files.get(path)
    const wanted = sha256(content)
    if (found?.sha256 === wanted && found.mode === mode && owned[path]?.sha256 === wanted) continue
    if (found !== undefined && found.sha256 !== wanted && found.sha256 !== owned[path]?.sha256)
      errors.push(drift(path, owned[path] !== undefined))
    else writes.push({ kind: 'write-file', path, content, mode, title: `write ${path}` })
  }
  for (const path of Object.keys(owned).sort()) {
    if (tree.has(path)) continue
    const found = observed.files.get(path)
    if (found !== undefined && found.sha256 !== owned[path]?.sha256) errors.push(drift(path, true))
    else removals.push({ kind: 'remove-file', path, title: `remove ${path}` })
  }
  // The gateway's config comes before the removals only if nothing it drops is removed first: so removals are last.
  return { steps: [...writes, ...removals], errors, notes: [] }
}

function drift(path: string, wasOurs: boolean): TmgenError {
  const message = wasOurs ? `${path} was changed by hand` : `${path} is in the way: tmgen did not write it`
  const hint = wasOurs
    ? 'put your change into tmgen.yaml or docker-compose.base.yml, then remove the file and run: tmgen generate'
    : 'move it elsewhere, then run the command again'
  return new TmgenError('drift', message, { hint })
}
