import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config/index.ts'
import { composeEntry } from '../../src/render/index.ts'
import { parseLock, resolve } from '../../src/resolve/index.ts'
import { servedUsers } from '../../src/resolve/nodes.ts'

// The golden trees of test/cases, read by the programs that they are made for.
const repository = new URL('../../', import.meta.url).pathname
const folder = join(repository, 'test/cases')
const cases = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
const scratch = mkdtempSync(join(tmpdir(), 'tmgen-render-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

interface Service {
  ports?: { target: number; published: string; protocol: string }[]
  volumes?: { type: string; source: string; target: string; bind?: object }[]
  networks: Record<string, { ipv4_address?: string } | null>
  mem_limit: string
}

describe.each(cases.map((entry) => entry.name))('golden tree %s', (name) => {
  const dir = join(scratch, name)
  cpSync(join(folder, name), dir, { recursive: true })
  cpSync(join(repository, 'docker-compose.base.yml'), join(dir, 'docker-compose.base.yml'))
  const parsed = parseConfig(readFileSync(join(dir, 'tmgen.yaml')), 'tmgen.yaml')
  const lock = parseLock(readFileSync(join(dir, 'tmgen.lock.json')), 'tmgen.lock.json')
  const { deployment } = resolve(parsed, lock)
  const served = servedUsers(deployment)
  writeFileSync(join(dir, 'compose.yaml'), composeEntry(deployment.workspace.name))

  const compose = (cwd: string, ...args: string[]) =>
    execFileSync('docker', ['compose', 'config', ...args], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  const config = (env: string) => {
    writeFileSync(join(dir, '.env'), env)
    return JSON.parse(compose(dir, '--format', 'json')) as { name: string; services: Record<string, Service> }
  }
  const owner = 'TMGEN_UID=1000\nTMGEN_GID=1000\n'

  it('means to compose what the deployment means', () => {
    const { name: project, services } = config(owner)
    expect(project).toBe(deployment.workspace.name)
    const own = deployment.control.provider === 'embedded' ? ['gateway', 'headscale'] : ['gateway']
    const monitor = served.length > 0 ? ['monitor', 'monitor-scanner'] : []
    expect(Object.keys(services).sort()).toEqual([...own, ...monitor, ...served.map((u) => `samba-${u.name}`)].sort())
    for (const user of served) {
      const samba = services[`samba-${user.name}`]!
      expect(samba.networks).toEqual({ shares: { ipv4_address: user.ip } })
      // compose prints $ as $$, so that its output can be read again.
      const source = (target: string) => samba.volumes!.find((v) => v.target === target)!.source.replaceAll('$$', '$')
      expect(source('/srv/tmgen')).toBe(user.storage)
      expect(source('/etc/tmgen')).toBe(join(dir, 'generated/users', user.name))
      expect(samba.ports).toBeUndefined()
    }
    for (const service of Object.values(services)) {
      // An empty `bind` is how compose prints `create_host_path: false`; true it prints, and the default has no `bind`.
      const binds = service.volumes?.filter((volume) => volume.type === 'bind') ?? []
      for (const volume of binds) expect(volume.bind, volume.target).toEqual({})
    }
    const ports = services.gateway!.ports!
    expect(ports.every((port) => port.protocol === 'udp' && port.published === String(port.target))).toBe(true)
    expect(ports.map((port) => port.target)).toEqual(expect.arrayContaining(served.map((user) => user.udpPort)))
  })

  it('takes the limits that .env names', () => {
    const { services } = config(`${owner}TMGEN_GATEWAY_MEMORY=3g\nTMGEN_SAMBA_MEMORY=2g\n`)
    expect(Number(services.gateway!.mem_limit)).toBe(3 * 1024 ** 3)
    for (const user of served) expect(Number(services[`samba-${user.name}`]!.mem_limit)).toBe(2 * 1024 ** 3)
  })

  it('is the same containers as one flat file, wherever that lies', () => {
    writeFileSync(join(dir, '.env'), owner)
    const flat = mkdtempSync(join(scratch, 'flat-'))
    writeFileSync(join(flat, 'compose.yaml'), compose(dir))
    expect(compose(flat, '--hash', '*')).toBe(compose(dir, '--hash', '*'))
    expect(compose(flat).match(/^ +bind:.*$/gm) ?? []).toEqual(compose(dir).match(/^ +bind:.*$/gm) ?? [])
  })

  // A workspace without people has no smb.conf to read.
  if (served.length > 0) {
    it('is an smb.conf of which Samba knows every parameter', () => {
      // tmgen-lab/samba is images/samba as lab/setup built it: the Samba that will read the file.
      const mount = `type=bind,source=${join(dir, 'generated/users')},target=/users,readonly`
      const each = 'for f in /users/*/smb.conf; do testparm -s --suppress-prompt "$f" || exit; done'
      const container = ['run', '--rm', '--network=none', '--read-only', '--cap-drop=ALL', '--mount', mount]
      const tmpfs = [
        '--tmpfs=/run/samba',
        '--tmpfs=/var/lib/samba',
        '--tmpfs=/var/cache/samba',
        '--tmpfs=/var/log/samba',
      ]
      const command = ['--entrypoint=/bin/sh', 'tmgen-lab/samba', '-c', each]
      const { status, stdout, stderr } = spawnSync('docker', [...container, ...tmpfs, ...command], { encoding: 'utf8' })
      expect(stderr).not.toMatch(/unknown|ignoring|error|invalid/i)
      expect(status, stderr).toBe(0)
      const shares = served.flatMap((user) => user.macs.map((mac) => `[${mac.name}]`))
      expect(
        stdout
          .match(/^\[.*\]$/gm)!
          .filter((section) => section !== '[global]')
          .sort(),
      ).toEqual(shares.sort())
      for (const user of served) expect(stdout).toContain(`valid users = ${user.name}\n`)
    })
  }

  it('does not start without the owner of the workspace', () => {
    expect(() => config('')).toThrow(/TMGEN_[UG]ID is missing a value: is not set in \.env/)
  })
})
