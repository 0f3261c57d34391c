import { addUserText, type NewUser, newConfigText } from '../../../src/config/index.ts'
import type { Command, Dependencies, Outcome } from '../../../src/converge/command.ts'
import { initWorkspace } from '../../../src/converge/init.ts'
import { pipeline } from '../../../src/converge/pipeline.ts'
import { TmgenError, TmgenErrors } from '../../../src/errors.ts'
import { FakePlane } from '../../support/provider.ts'
import {
  type Hook,
  Kill,
  MemoryDisk,
  type MemoryWorldOptions,
  type Moment,
  memoryWorld,
  putPackage,
} from '../../support/world.ts'

export const ws = '/home/me/tm'
const control = {
  headscale: { provider: 'headscale', url: 'https://hs.example.com' },
  tailscale: { provider: 'tailscale' },
  manual: { provider: 'manual' },
  embedded: { provider: 'embedded', url: 'http://10.0.0.5:8080' },
} as const

export interface Scene {
  disk: MemoryDisk
  plane: FakePlane
}

export const copyOf = ({ disk, plane }: Scene): Scene => ({ disk: disk.copy(), plane: plane.clone() })

export const dependencies = (plane: FakePlane, now: () => Date): Dependencies => ({
  makeProvider: () => plane.provider(now),
})

/** A fresh workspace on a disk of its own. */
export async function scene(
  provider: keyof typeof control = 'headscale',
  options: MemoryWorldOptions = {},
): Promise<Scene> {
  const disk = new MemoryDisk()
  putPackage(disk)
  disk.mkdirs('/srv/tm')
  const text = newConfigText({
    workspace: 'tm',
    control: control[provider],
    storageRoot: '/srv/tm',
    subnet: '10.77.0.0/22',
    host: 'local',
  })
  await initWorkspace(memoryWorld(disk, options), ws, text)
  return { disk, plane: new FakePlane(provider) }
}

/** Runs a command as a process of its own. */
export async function run(
  { disk, plane }: Scene,
  command: Partial<Command>,
  options: MemoryWorldOptions = {},
): Promise<Outcome> {
  const world = memoryWorld(disk, options)
  return pipeline(
    world,
    ws,
    { name: 'test', permits: 'all', remote: 'write', ...command },
    dependencies(plane, world.now),
  )
}

export const person = (name: string): NewUser => ({
  name,
  logins: [`${name}@example.com`],
  macs: [{ name: 'macbook' }],
})

export const addUser = (name: string, user: NewUser = person(name)): Partial<Command> => ({
  name: `add user ${name}`,
  edit: (parsed) => addUserText(parsed, user),
  users: [name],
})

export const generate: Partial<Command> = { name: 'generate', permits: 'local', remote: 'no' }

/** The errors of a run that must fail, as `code: message` lines. */
export async function failure(promise: Promise<unknown>): Promise<string[]> {
  try {
    await promise
  } catch (error) {
    if (error instanceof TmgenErrors) return error.errors.map((one) => `${one.code}: ${one.message}`)
    if (error instanceof TmgenError) return [`${error.code}: ${error.message}`]
    throw error
  }
  throw new Error('it did not fail')
}

/** Lets `fail` happen at the n-th change of disk or control plane, and says whether it came to that. */
export function faultAt(place: Scene, n: number, fail: () => Error, only?: RegExp) {
  let count = 0
  let isDead = false
  const step = (what: string, _path: string, moment: Moment) => {
    if (isDead) throw new Kill('a dead process goes on')
    if (what === 'read' || (only !== undefined && !only.test(`${what} ${moment}`))) return
    if (++count !== n) return
    const error = fail()
    isDead = error instanceof Kill
    throw error
  }
  const hook: Hook = (what, path, moment) => step(what, path, moment)
  const silent = /^list|^read|^check/
  place.plane.hook = (call, moment) => step(silent.test(call) ? 'read' : call, '', moment)
  return { hook, happened: () => count >= n }
}
