import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newConfigText } from '../../../../src/config/index.ts'
import { initWorkspace } from '../../../../src/converge/init.ts'
import { makeWorld } from '../../../../src/converge/node-world.ts'
import type { World } from '../../../../src/world.ts'
import { FakePlane } from '../../../support/provider.ts'

/** The real disk, clock, randomness and run lock; nothing of this machine's network or Docker. */
export function realWorld(base: string): World {
  return {
    ...makeWorld(join(base, 'package')),
    docker: { run: async () => ({ exitCode: 1, stdout: '', stderr: '' }) },
    host: {
      isRoot: () => false,
      addresses: () => [],
      routes: async () => ({ found: [], notes: [] }),
      udpPortsTaken: async () => [],
      mounts: async () => [],
      usersOf: async () => ({ found: [], hidden: false }),
      procLine: async () => undefined,
      machineId: async () => undefined,
      certificate: async () => {
        throw new Error('no server here')
      },
      dockerRoot: async () => '/var/lib/docker',
    },
  }
}

/** The control plane of a test, kept in a file so that it outlives the killed process. */
export function openPlane(base: string): FakePlane {
  const file = join(base, 'plane.json')
  const plane = existsSync(file) ? FakePlane.parse(readFileSync(file, 'utf8')) : new FakePlane('headscale')
  plane.hook = (call, moment) => {
    if (moment !== 'after' || /^(list|read|check)/.test(call)) return
    writeFileSync(`${file}.new`, plane.serialize())
    renameSync(`${file}.new`, file)
  }
  return plane
}

/** A package folder, a storage folder and a fresh workspace below `base`. */
export async function makePlace(base: string): Promise<void> {
  const root = join(import.meta.dirname, '../../../..')
  cpSync(join(root, 'templates'), join(base, 'package/templates'), { recursive: true })
  cpSync(join(root, 'docker-compose.base.yml'), join(base, 'package/docker-compose.base.yml'))
  cpSync(join(root, 'package.json'), join(base, 'package/package.json'))
  for (const path of [
    'gateway/main.go',
    'images/samba/Dockerfile',
    'images/headscale/Dockerfile',
    'images/monitor/Dockerfile',
  ]) {
    mkdirSync(join(base, 'package', path, '..'), { recursive: true })
    writeFileSync(join(base, 'package', path), 'stand-in\n')
  }
  mkdirSync(join(base, 'storage'))
  const control = { provider: 'headscale', url: 'https://hs.example.com' } as const
  const text = newConfigText({
    workspace: 'tm',
    control,
    storageRoot: join(base, 'storage'),
    subnet: '10.77.0.0/22',
    host: 'local',
    // Whatever the disk of this machine holds.
  }).replace(/^version: 1$/m, '$&\novercommit: true')
  await initWorkspace(realWorld(base), join(base, 'ws'), text)
}
