import { join } from 'node:path'
import { TmgenError } from '../errors.ts'
import type { World } from '../world.ts'
import { ensureState } from './apply.ts'
import { hostState, refuseOtherHost } from './host.ts'
import { readEnv, withMachine } from './machine.ts'
import { stateFiles } from './state-files.ts'

/** Something of ours on this host that can be put right without a look at the machine. Paths are from the workspace. */
export type Repair =
  | { kind: 'close'; path: string; mode: number; title: string }
  | { kind: 'write-env'; before: string | undefined; content: string; title: string }

const octal = (mode: number) => mode.toString(8).padStart(3, '0')

/** Files and folders of secrets/ that others than their owner can read; links are left out. */
export async function openSecrets(world: World, dir: string): Promise<Extract<Repair, { kind: 'close' }>[]> {
  const found: Extract<Repair, { kind: 'close' }>[] = []
  const visit = async (path: string): Promise<void> => {
    const entry = await world.disk.stat(join(dir, path))
    if (entry === undefined || (entry.kind !== 'file' && entry.kind !== 'directory')) return
    const mode = entry.kind === 'file' ? 0o600 : 0o700
    if ((entry.mode & 0o077) !== 0) {
      const title = `close ${path} to others: mode ${octal(mode)} in place of ${octal(entry.mode)}`
      found.push({ kind: 'close', path, mode, title })
    }
    if (entry.kind === 'directory')
      for (const name of (await world.disk.list(join(dir, path))) ?? []) await visit(`${path}/${name}`)
  }
  await visit('secrets')
  return found
}

/** Who owns the workspace, and whom .env names; `?` for what it does not say, undefined where there is none. */
export async function envOwner(
  world: World,
  dir: string,
): Promise<{ is: string; says: string | undefined } | undefined> {
  const entry = await world.disk.stat(dir)
  if (entry === undefined) return undefined
  const text = await readEnv(world, dir)
  const named = ['TMGEN_UID', 'TMGEN_GID'].map(
    (name) => new RegExp(`^${name}=(\\d+)\\s*$`, 'm').exec(text ?? '')?.[1] ?? '?',
  )
  return { is: `${entry.uid}:${entry.gid}`, says: text === undefined ? undefined : named.join(':') }
}

/**
 * The owner of the workspace into .env, every other line kept; none where the state of the gateway belongs to somebody
 * else, as then it is the folder that has changed hands.
 */
export async function envRepair(world: World, dir: string): Promise<Repair[]> {
  const owner = await envOwner(world, dir)
  const state = await world.disk.stat(join(dir, 'state/gateway'))
  if (owner === undefined || owner.is === owner.says) return []
  if (state !== undefined && `${state.uid}:${state.gid}` !== owner.is) return []
  if ((await world.disk.stat(join(dir, '.env')))?.kind === 'symlink') return []
  const [uid, gid] = owner.is.split(':')
  const before = await readEnv(world, dir)
  const rest = (before ?? '').split('\n').filter((line) => !/^TMGEN_[UG]ID=/.test(line))
  while (rest.at(-1) === '') rest.pop()
  const owned = `${[...rest, `TMGEN_UID=${uid}`, `TMGEN_GID=${gid}`].join('\n')}\n`
  const content = withMachine(owned, (await world.host.machineId()) !== undefined)
  const title = `name the owner of the workspace in .env: ${owner.is} in place of ${owner.says ?? 'nobody'}`
  return [{ kind: 'write-env', before, content, title }]
}

/**
 * Does repairs, under the run lock; what is not any more as it was seen is refused.
 * @param workspace its id: on another host nothing is done until it is adopted
 * @throws TmgenError `busy`, `host`, `disk`
 */
export async function doRepairs(
  world: World,
  dir: string,
  workspace: string,
  repairs: readonly Repair[],
): Promise<void> {
  await ensureState(world, dir)
  const release = await world.holdLock(join(dir, stateFiles.runLock), 'doctor --fix')
  try {
    refuseOtherHost(await hostState(world, dir, workspace))
    for (const repair of repairs) await doOne(world, dir, repair)
  } finally {
    await release()
  }
}

async function doOne(world: World, dir: string, repair: Repair): Promise<void> {
  if (repair.kind === 'close') {
    const path = join(dir, repair.path)
    const kind = (await world.disk.stat(path))?.kind
    if (kind === 'file' || kind === 'directory') return world.disk.chmod(path, repair.mode)
  } else if ((await readEnv(world, dir)) === repair.before)
    return world.disk.writeFile(join(dir, '.env'), repair.content, 0o644)
  throw new TmgenError('disk', `not done: ${repair.title}: it was changed meanwhile`, {
    hint: 'run tmgen doctor again',
  })
}
