import { beforeEach, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { isPlace } from '../../../src/archive/places.ts'
import type { Command } from '../../../src/converge/command.ts'
import { changesOf } from '../../../src/converge/index.ts'
import { Kill } from '../../support/world.ts'
import { addUser, copyOf, failure, faultAt, generate, run, type Scene, scene, ws } from './helper.ts'

let place: Scene

/** `provider: embedded` with https, a certificate of one's own, and what `more` says. */
function configure(more = ''): void {
  const text = place.disk.text(`${ws}/tmgen.yaml`)!
  const control = `url: https://hs.example.com\n  tls: {mode: own, cert: /etc/ssl/hs.pem, key: /etc/ssl/hs.key}\n${more}`
  place.disk.put(`${ws}/tmgen.yaml`, text.replace(/url: http:.*\n/, control))
  place.disk.put('/etc/ssl/hs.pem', 'first certificate\n')
}
const compose = () => parse(place.disk.text(`${ws}/generated/docker-compose.yml`)!, { version: '1.1', merge: true })
const labels = () => compose().services.headscale.labels as Record<string, string>
const written = (steps: { kind: string }[]) => steps.flatMap((step) => ('path' in step ? [step.path] : []))
const world = { seed: 3 }

beforeEach(async () => {
  place = await scene('embedded')
})

describe('a certificate of one’s own', () => {
  test('that is replaced makes the container of Headscale another one, and nothing else', async () => {
    configure()
    await run(place, addUser('alice'), world)
    const before = compose()
    expect(labels()['tmgen.files']).toMatch(/^[0-9a-f]{12}$/)
    expect((await run(place, generate, world)).steps).toEqual([])
    place.disk.put('/etc/ssl/hs.pem', 'second certificate\n')
    const { steps } = await run(place, generate, world)
    expect(written(steps)).toEqual(['generated/docker-compose.yml'])
    const after = compose()
    expect(after.services.headscale.labels['tmgen.files']).not.toBe(before.services.headscale.labels['tmgen.files'])
    after.services.headscale.labels = before.services.headscale.labels
    expect(after).toEqual(before)
  })

  test('that cannot be read here is left to Headscale', async () => {
    configure()
    place.disk.remove('/etc/ssl/hs.pem')
    await run(place, addUser('alice'), world)
    expect(labels()).not.toHaveProperty('tmgen.files')
  })
})

const oidc = (file = '/etc/oidc-secret') =>
  `  oidc: {issuer: "https://id.example.com/realm", clientId: tmgen, secretFile: ${file}, allowedDomains: [example.com]}\n`

describe('OIDC', () => {
  test('goes into Headscale’s configuration; its secret stays in the file that is mounted', async () => {
    configure(oidc())
    place.disk.put('/etc/oidc-secret', 'a-client-secret\n', 0o600)
    await run(place, addUser('alice'), world)
    const config = parse(place.disk.text(`${ws}/generated/headscale/config.yaml`)!)
    expect(config.oidc).toEqual({
      issuer: 'https://id.example.com/realm',
      client_id: 'tmgen',
      client_secret_path: '/etc/tmgen-oidc/client_secret',
      scope: ['openid', 'profile', 'email'],
      allowed_domains: ['example.com'],
      pkce: { enabled: true, method: 'S256' },
    })
    expect(compose().services.headscale.volumes.at(-1)).toMatchObject({
      source: '/etc/oidc-secret',
      target: config.oidc.client_secret_path,
      read_only: true,
    })
    for (const [path, text] of Object.entries(place.disk.snapshot(ws)))
      expect(text, path).not.toContain('a-client-secret')
    const before = labels()['tmgen.files']
    place.disk.put('/etc/oidc-secret', 'another-client-secret\n', 0o600)
    await run(place, generate, world)
    expect(labels()['tmgen.files']).not.toBe(before)
  })

  test('has people make their own logins: a second one of the same name would let neither in', async () => {
    await run(place, addUser('bob'), world)
    expect(place.plane.calls).toContain('createUser bob@example.com')
    configure(oidc())
    place.disk.put('/etc/oidc-secret', 'a-client-secret\n', 0o600)
    await run(place, addUser('alice'), world)
    expect(place.plane.calls).not.toContain('createUser alice@example.com')
    expect(place.plane.policy?.text).toContain('"alice@example.com"')
  })

  test.each<[string, () => void, RegExp]>([
    ['is missing', () => undefined, /secret: .*there is no file \/etc\/oidc-secret/],
    ['is a folder', () => place.disk.mkdirs('/etc/oidc-secret'), /secret: .*there is no file/],
    [
      'is open to all',
      () => place.disk.put('/etc/oidc-secret', 'a-client-secret\n', 0o604),
      /secret: .*every user of this host/,
    ],
  ])('is refused while the file of its secret %s, and nothing is written', async (_what, put, message) => {
    configure(oidc())
    put()
    const before = place.disk.snapshot(ws, /state\//)
    const errors = await failure(run(place, addUser('alice'), world))
    expect(errors.join()).toMatch(message)
    expect(errors.join()).not.toContain('a-client-secret')
    expect(place.disk.snapshot(ws, /state\//)).toEqual(before)
  })
})

describe('another version of Headscale', () => {
  const install = (version: string) =>
    place.disk.put(
      '/package/images/headscale/go.mod',
      `module x\n\nrequire github.com/juanfont/headscale v${version}\n\nrequire (\n\ta v0.1.0 // indirect\n)\n`,
    )
  const copies = (at: Scene = place) =>
    [...at.disk.nodes.keys()].filter(
      (path) => path.startsWith(`${ws}/state/headscale-copies/`) && /\.sqlite/.test(path),
    )
  const upgrade: Partial<Command> = { name: 'upgrade', upgrade: true, permits: 'all' }

  beforeEach(async () => {
    install('0.29.3')
    await run(place, addUser('alice'), world)
    place.disk.put(`${ws}/state/headscale/db.sqlite`, 'database')
    place.disk.put(`${ws}/state/headscale/db.sqlite-wal`, 'its log')
  })

  test.each([
    '0.29.2',
    '0.29.4',
    '0.30.0',
  ])('%s: the database is copied before anything makes that version start', async (to) => {
    install(to)
    const { steps } = await run(place, upgrade, world)
    expect(steps[0]).toMatchObject({ kind: 'copy-database', title: expect.stringContaining(`from 0.29.3 to ${to}`) })
    const folder = `${ws}/state/headscale-copies/20260102T030405Z-before-${to}`
    expect(copies()).toEqual([`${folder}/db.sqlite`, `${folder}/db.sqlite-wal`])
    expect(copies().map((path) => [place.disk.text(path), place.disk.nodes.get(path)?.mode])).toEqual([
      ['database', 0o600],
      ['its log', 0o600],
    ])
    expect((await run(place, upgrade, world)).steps).toEqual([])
    expect(isPlace('state/headscale-copies/x/db.sqlite')).toBe(false) // of a backup
  })

  test('comes with the other verbs too, and a plan shows it', async () => {
    install('0.30.0')
    const planned = await run(place, { checkOnly: true, remote: 'read' }, world)
    expect(JSON.stringify(changesOf(planned, new Date()))).toContain('copy the database of Headscale')
    expect(copies()).toEqual([])
    await run(place, generate, world)
    expect(copies()).toHaveLength(2)
  })

  test.each([
    ['0.31.0', /Headscale 0.29.3 to 0.31.0 skips a minor version/],
    ['0.28.0', /does not go back from 0.29.3 to 0.28.0/],
    ['0.27.5', /does not go back/],
  ])('%s is refused before anything is written', async (to, message) => {
    install(to)
    const before = place.disk.snapshot('')
    expect((await failure(run(place, upgrade, world))).join()).toMatch(message)
    expect(place.disk.snapshot('')).toEqual(before)
  })

  test('an image of the person’s own is judged by its tag, and one without a version is copied for', async () => {
    const name = (image: string) => {
      const text = place.disk.text(`${ws}/tmgen.yaml`)!.replace(/\nimages:.*/, '')
      place.disk.put(`${ws}/tmgen.yaml`, `${text}\nimages: {headscale: "${image}"}\n`)
    }
    name('registry.example.com/headscale:v0.31.0')
    expect((await failure(run(place, upgrade, world))).join()).toContain('skips a minor version')
    name('registry.example.com/headscale:v0.30.1@sha256:abc')
    expect((await run(place, upgrade, world)).steps[0]?.title).toContain('from 0.29.3 to 0.30.1')
    name('registry.example.com/headscale:latest')
    expect((await run(place, upgrade, world)).steps[0]?.title).toContain('from 0.30.1 to registry')
  })

  test('nothing is copied for the same version, or where there is no database yet', async () => {
    place.disk.put('/package/images/headscale/Dockerfile', 'FROM scratch\n# newer\n')
    await run(place, upgrade, world)
    install('0.30.0')
    place.disk.remove(`${ws}/state/headscale/db.sqlite`)
    await run(place, upgrade, world)
    expect(copies()).toEqual([])
  })

  test('killed anywhere, there is a whole copy wherever that version could start', async () => {
    install('0.30.0')
    const isNew = (at: Scene) => at.disk.text(`${ws}/generated/images/headscale/go.mod`)?.includes('v0.30.0')
    let kills = 0
    for (let n = 1; n < 200; n++) {
      const then = copyOf(place)
      const fault = faultAt(then, n, () => new Kill(`at ${n}`))
      const error = await run(then, upgrade, { ...world, hook: fault.hook }).catch((thrown: unknown) => thrown)
      if (!fault.happened()) break
      expect(error).toBeInstanceOf(Kill)
      kills++
      if (isNew(then)) expect(copies(then)).toHaveLength(2)
      then.plane.hook = () => undefined
      await run(then, upgrade, { seed: 5 })
      expect(
        copies(then)
          .map((path) => then.disk.text(path))
          .sort(),
      ).toEqual(['database', 'its log'])
      expect((await run(then, upgrade, { seed: 6 })).steps).toEqual([])
    }
    expect(kills).toBeGreaterThan(10)
  })
})

describe('the policy of the embedded Headscale', () => {
  test.each([
    ['wider', '{"grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]}]}', '!'],
    ['narrower', '{"grants": [{"src": ["192.0.2.1"], "dst": ["192.0.2.1"], "ip": ["tcp:445"]}]}', '~'],
    ['gone', '', '~'],
  ])('made %s by hand, is shown by plan and written again by apply', async (_what, text, sign) => {
    await run(place, addUser('alice'), world)
    const ours = place.plane.policy
    place.plane.policy = { text, etag: undefined }
    const planned = await run(place, { checkOnly: true, remote: 'read' }, world)
    const found = changesOf(planned, new Date()).filter((change) => change.what === 'policy')
    expect(found.map((change) => change.sign)).toContain(sign)
    expect(place.plane.policy.text).toBe(text)
    await run(place, { name: 'apply' }, world)
    expect(place.plane.policy).toEqual(ours)
    const again = await run(place, { checkOnly: true, remote: 'read' }, world)
    expect(changesOf(again, new Date())).toEqual([])
  })
})
