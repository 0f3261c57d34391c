import { join } from 'node:path'
import { readDatabase } from '../archive/collect.ts'
import { TmgenError } from '../errors.ts'
import type { Tree } from '../render/types.ts'
import type { Deployment } from '../resolve/types.ts'
import type { World } from '../world.ts'
import { writeInto } from './folders.ts'
import type { Part } from './plan-types.ts'
import type { HeadscaleSeen } from './types.ts'

const composeFile = 'generated/docker-compose.yml'
const moduleFile = 'generated/images/headscale/go.mod'
const state = 'state/headscale'
/** What Headscale was before each upgrade; not in a backup. */
export const databaseCopies = 'state/headscale-copies'

/** The image of the embedded Headscale as a workspace's files name it, and its version where they say it. */
function imageOf(text: (path: string) => string | undefined): Omit<HeadscaleSeen, 'hasDatabase'> {
  const service = /^ {2}headscale:\n(?: {4}.*\n)*? {4}image: "?([^"\n]+)"?$/m.exec(text(composeFile) ?? '')
  const image = service?.[1]
  const version =
    image === undefined
      ? undefined
      : (/:v?(0\.\d+\.\d+)(?:[-@]|$)/.exec(image)?.[1] ??
        /^require github\.com\/juanfont\/headscale v(0\.\d+\.\d+)/m.exec(text(moduleFile) ?? '')?.[1])
  return { image, version }
}

/** What runs, or ran last, by the files that made it; undefined: there is no embedded Headscale here. */
export async function observeHeadscale(
  world: World,
  dir: string,
  { control, host }: Deployment,
): Promise<HeadscaleSeen | undefined> {
  if (control.provider !== 'embedded' || host === 'remote') return undefined
  const texts = new Map<string, string>()
  for (const path of [composeFile, moduleFile]) {
    const entry = await world.disk.stat(join(dir, path))
    const bytes = entry?.kind === 'file' ? await world.disk.readFile(join(dir, path)) : undefined
    if (bytes !== undefined) texts.set(path, new TextDecoder().decode(bytes))
  }
  const hasDatabase = (await world.disk.stat(join(dir, state, 'db.sqlite')))?.kind === 'file'
  return { ...imageOf((path) => texts.get(path)), hasDatabase }
}

/**
 * A copy of the database before another version of Headscale changes it. Headscale migrates from one minor version to the
 * next and never back to a former one: what skips one, or goes back, is refused.
 */
export function planDatabase(tree: Tree, before: HeadscaleSeen | undefined, now: Date): Part {
  const part: Part = { steps: [], notes: [], errors: [] }
  if (before === undefined || !before.hasDatabase) return part
  const decode = (content: string | Uint8Array) =>
    typeof content === 'string' ? content : new TextDecoder().decode(content)
  const wanted = imageOf((path) => {
    const file = tree.get(path)
    return file === undefined ? undefined : decode(file.content)
  })
  if (before.image === wanted.image) return part
  const [from, to] = [before.version, wanted.version]
  if (from !== undefined && from === to) return part
  const fault = from === undefined || to === undefined ? undefined : refusal(from, to)
  if (fault !== undefined) return { ...part, errors: [fault] }
  const stamp = now.toISOString().slice(0, 19).replace(/[-:]/g, '')
  const path = `${databaseCopies}/${stamp}Z-before-${to ?? 'another-image'}`
  const versions = `${from ?? 'what it is'} to ${to ?? wanted.image}`
  part.steps.push({
    kind: 'copy-database',
    path,
    title: `copy the database of Headscale to ${path}: it goes from ${versions}`,
  })
  return part
}

function refusal(from: string, to: string): TmgenError | undefined {
  // As Headscale judges it (hscontrol/db/versioncheck.go): within a minor version it goes either way.
  const [, fromMinor = 0] = from.split('.').map(Number)
  const [, toMinor = 0] = to.split('.').map(Number)
  if (toMinor < fromMinor)
    return new TmgenError('control-refused', `Headscale does not go back from ${from} to ${to}`, {
      hint: 'its database stays as the newer one made it; docs/how-to/embedded.md says how to put back a copy',
    })
  if (toMinor > fromMinor + 1)
    return new TmgenError('control-refused', `Headscale ${from} to ${to} skips a minor version`, {
      hint: `first an image of 0.${fromMinor + 1}, by images.headscale in tmgen.yaml and tmgen upgrade; then this one`,
    })
  return undefined
}

/** Writes the database and its log, both of one moment, into `path` of the workspace. */
export async function copyDatabase(world: World, dir: string, path: string): Promise<void> {
  const contents = await world.disk.foreign(join(dir, state), readDatabase)
  for (const [i, name] of ['db.sqlite', 'db.sqlite-wal'].entries()) {
    const content = contents?.[i]
    if (content !== undefined) await writeInto(world, dir, `${path}/${name}`, content, 0o600)
  }
}
