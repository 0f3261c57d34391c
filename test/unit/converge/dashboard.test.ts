import { beforeEach, describe, expect, it } from 'vitest'
import { parseConfig, removeUserText } from '../../../src/config/index.ts'
import { broaderRules, judgePolicy, policyFor, shutOut } from '../../../src/control/index.ts'
import { findOrphans } from '../../../src/converge/index.ts'
import { checkLock } from '../../../src/resolve/check-lock.ts'
import { rebuildLock } from '../../../src/resolve/index.ts'
import { failure as configFailure, parse } from '../config/sample.ts'
import { configOf, empty, run as resolved } from '../resolve/sample.ts'
import { addUser, ws } from './helper.ts'
import { enrolAs, json, type Place, runIn, start } from './people.ts'

const now = new Date('2026-01-02T03:04:05Z')
const withPage = 'dashboard: {operators: [olga@example.com, tag:ops]}\n'
const switchOn = (place: Place) => runIn(place, { name: 'apply', edit: (parsed) => `${parsed.text}${withPage}` })
const switchOff = (place: Place) => runIn(place, { name: 'apply', edit: (parsed) => parsed.text.replace(withPage, '') })
const gateway = (place: Place) => json(place, 'generated/caddy/config.json').apps

describe('the dashboard in tmgen.yaml', () => {
  const config = (text: string) => configOf(['alice'], undefined, text)

  it.each([
    ['no operators', 'dashboard: {operators: []}', 'dashboard.operators must not be empty'],
    ['one of our own tags', 'dashboard: {operators: [tag:tm-alice]}', 'dashboard.operators[0] is reserved'],
    ['a login that is none', 'dashboard: {operators: ["*"]}', 'dashboard.operators[0] must be a login'],
    ['the same one twice', 'dashboard: {operators: [a@b.c, a@b.c]}', 'dashboard.operators[1] "a@b.c" stands twice'],
    ['nothing', 'dashboard: {}', 'dashboard.operators is missing'],
  ])('is refused with %s', (_what, text, message) => {
    expect(configFailure(() => parse(config(`${text}\n`)))).toContain(message)
  })

  it('keeps its name from people, also while there is none', () => {
    expect(configFailure(() => parse(configOf(['dashboard'])))).toContain('users[0].name is reserved')
  })

  it('takes a UDP port beside those of people', () => {
    const people = Array.from({ length: 32 }, (_, n) => `p${n}`)
    const network = 'subnet: 10.77.0.0/22, udp: {from: 21000, to: 21031}'
    expect(() => parse(configOf(people, network))).not.toThrow()
    expect(configFailure(() => parse(configOf(people, network, withPage)))).toMatch(
      /network.udp has room for 32; there are 32 users and the dashboard/,
    )
  })
})

describe('the dashboard in the lock', () => {
  it('is dealt once: others come and go, and it keeps name and port, also while it is taken out', () => {
    const first = resolved(['alice'], empty, undefined, withPage)
    expect(first.deployment.dashboard).toMatchObject({
      ...{ id: 'dashboard', name: 'dashboard', hostname: 'tm-dashboard', tag: 'tag:tm-dashboard', ports: [80] },
      ...{ allow: ['olga@example.com', 'tag:ops'], logins: ['olga@example.com'], tags: ['tag:ops'], enabled: true },
    })
    const port = first.deployment.dashboard?.udpPort
    const without = resolved(['alice', 'bob'], first.lock)
    expect(without.deployment).not.toHaveProperty('dashboard')
    expect(without.deployment.retired).toEqual([])
    expect(without.deployment.users.map((user) => user.udpPort)).not.toContain(port)
    const again = resolved(['alice', 'bob'], without.lock, undefined, withPage)
    expect(again.deployment.dashboard?.udpPort).toBe(port)
    expect(again.lock).toEqual(without.lock)
    expect(checkLock(again.lock)).toEqual([])
  })

  it('comes back as it was when the lock is rebuilt, behind the numbers of all users', () => {
    const text = configOf(['alice'], undefined, withPage)
    const users = [{ source: '/srv/tm/alice', kind: 'marker' as const, id: 'u4', name: 'alice', uid: 20004 }]
    const traces = { workspaces: [{ source: 'x', id: empty.workspace }], users, mirror: undefined, serials: [] }
    const dashboard = [
      { hostname: 'tm-dashboard', udpPort: 21009 },
      { hostname: 'tm-dashboard', udpPort: 21007, pinEpoch: 2 },
    ]
    const { lock, contradictions } = rebuildLock(parse(text), { ...traces, dashboard })
    expect(contradictions).toEqual([])
    expect(lock.nodes.n5).toEqual({ owner: 'dashboard', hostname: 'tm-dashboard', udpPort: 21007, pinEpoch: 2 })
    expect(checkLock(lock)).toEqual([])
    expect(rebuildLock(parse(text), { ...traces, dashboard: [] }).lock.nodes.n5?.udpPort).toBe(21001)
  })
})

describe('the policy of the dashboard', () => {
  const { deployment: made } = resolved(['alice', 'bob'], empty, undefined, withPage)
  const control = { provider: 'tailscale' } as typeof made.control
  const deployment = { ...made, control }
  const text = JSON.stringify(policyFor(deployment))
  const rules = (grants: object[]) => JSON.stringify({ ...policyFor(deployment), grants })
  const { grants = [] } = policyFor(deployment)

  it('lets operators reach its port 80 and nothing else, and nobody else reach it', () => {
    expect(grants.at(-1)).toEqual({ src: ['olga@example.com', 'tag:ops'], dst: ['tag:tm-dashboard'], ip: ['tcp:80'] })
    expect(grants.filter(({ src }) => src.includes('olga@example.com'))).toHaveLength(1)
    expect(policyFor(deployment).tagOwners['tag:tm-dashboard']).toEqual(['tag:tmgen'])
    expect(judgePolicy({ policy: { text }, nodes: [] }, deployment)).toEqual([])
    expect(shutOut({ policy: { text }, nodes: [] }, deployment)).toEqual([])
  })

  it.each([
    ['a user too', { src: ['alice@example.com'], dst: ['tag:tm-dashboard'], ip: ['tcp:80'] }, [['dashboard']]],
    ['everybody', { src: ['*'], dst: ['*'], ip: ['*'] }, [['alice', 'bob', 'dashboard']]],
    ['an operator a share', { src: ['olga@example.com'], dst: ['tag:tm-alice'], ip: ['tcp:445'] }, [['alice']]],
    ['everybody another port', { src: ['*'], dst: ['tag:tm-dashboard'], ip: ['tcp:445'] }, []],
    ['an operator', { src: ['olga@example.com'], dst: ['tag:tm-dashboard'], ip: ['tcp:80'] }, []],
  ])('a rule that lets in %s is told where it is broader', (_what, grant, reaches) => {
    expect(broaderRules(rules([...grants, grant]), deployment).map((rule) => rule.reaches)).toEqual(reaches)
  })

  it('without a rule for its port the operators are shut out', () => {
    const other = { ...grants.at(-1), ip: ['tcp:445'] }
    expect(shutOut({ policy: { text: rules([...grants.slice(0, -1), other]) }, nodes: [] }, deployment)).toEqual([
      'dashboard',
    ])
  })
})

describe('apply', () => {
  let place: Place
  beforeEach(async () => {
    place = await start()
    for (const key of place.plane.keys) key.used = true
  })

  it('makes a key with its tag, and a route to the page alone; the shares are as they were', async () => {
    const before = gateway(place)
    const { steps } = await switchOn(place)
    expect(steps).toContainEqual(expect.objectContaining({ kind: 'mint-key', tag: 'tag:tm-dashboard' }))
    expect(json(place, 'state/control.json').users.dashboard).toMatchObject({ source: 'minted' })
    expect(place.disk.text(`${ws}/secrets/gateway/dashboard.authkey`)).toBeDefined()
    expect(place.disk.text(`${ws}/secrets/smb/dashboard/password`)).toBeUndefined()
    const { dashboard, ...nodes } = gateway(place).tailscale.nodes
    expect(dashboard).toMatchObject({ hostname: 'tm-dashboard', allow: ['olga@example.com', 'tag:ops'] })
    expect(nodes).toEqual(before.tailscale.nodes)
    const { 'dashboard/page': server, ...servers } = gateway(place).layer4.servers
    expect(server.listen).toEqual(['tailscale/dashboard:80'])
    expect(server.routes[0].handle).toEqual([{ handler: 'relay', upstream: 'unix//run/tmgen-page/operator.sock' }])
    expect(servers).toEqual(before.layer4.servers)
    expect((await runIn(place, { name: 'apply' })).steps).toEqual([])
  })

  it('goes on with the node that enrolled, whoever comes and goes', async () => {
    await switchOn(place)
    for (const key of place.plane.keys) key.used = true
    enrolAs(place, 'dashboard', '30')
    await runIn(place, { name: 'apply' })
    expect(json(place, 'state/control.json').users.dashboard).toMatchObject({ nodeId: '30' })
    const { port } = gateway(place).tailscale.nodes.dashboard
    await runIn(place, addUser('carol'))
    await runIn(place, { name: 'apply', edit: (parsed) => removeUserText(parsed, 'bob') })
    expect(gateway(place).tailscale.nodes.dashboard.port).toBe(port)
    expect(place.plane.usable('tag:tm-dashboard', now)).toEqual([])
  })

  it('taken out its route ends; its node and an unused key are orphans then, and not before', async () => {
    await switchOn(place)
    const orphans = async () => {
      const { deployment, observed } = await runIn(place, { name: 'orphans', checkOnly: true })
      return findOrphans(deployment, observed.remote!, observed, now).map(({ what, why }) => `${what}: ${why}`)
    }
    place.plane.nodes.push({ ...place.plane.nodes[0]!, id: '30', hostname: 'tm-dashboard', tags: ['tag:tm-dashboard'] })
    expect(await orphans()).toEqual([])
    await switchOff(place)
    expect(Object.keys(gateway(place).tailscale.nodes)).toEqual(['alice', 'bob'])
    expect(Object.keys(gateway(place).layer4.servers)).toEqual(['alice', 'bob'])
    expect(await orphans()).toEqual(['node: no dashboard in tmgen.yaml', 'key: no dashboard in tmgen.yaml'])
  })

  it('rotate gives its node a new key, and leaves the shares alone', async () => {
    await switchOn(place)
    for (const key of place.plane.keys) key.used = true
    enrolAs(place, 'dashboard', '30')
    await runIn(place, { name: 'apply' })
    const { steps } = await runIn(place, { name: 'rotate dashboard --key', rekey: 'dashboard', users: ['dashboard'] })
    const kinds = steps.map((step) => step.kind).filter((kind) => kind !== 'write-file')
    expect(kinds).toEqual(['delete-node', 'forget-node', 'mint-key'])
    expect(place.plane.nodes.map(({ hostname }) => hostname)).toEqual(['tm-alice', 'tm-bob'])
    expect(Object.keys(gateway(place).tailscale.nodes)).toContain('dashboard')
  })

  it('rebind has the node forget whose each login was', async () => {
    await switchOn(place)
    await runIn(place, { name: 'set user dashboard --rebind', rebind: ['dashboard'], permits: 'local', remote: 'no' })
    const { alice, dashboard } = gateway(place).tailscale.nodes
    expect([alice.pin_epoch, dashboard.pin_epoch]).toEqual([undefined, 1])
  })
})

it('parses as it was written', () => {
  const { config } = parseConfig(new TextEncoder().encode(configOf(['alice'], undefined, withPage)), 'tmgen.yaml')
  expect(config.dashboard).toEqual({ operators: ['olga@example.com', 'tag:ops'] })
})
