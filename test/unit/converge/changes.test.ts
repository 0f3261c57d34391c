import { describe, expect, it } from 'vitest'
import { planLines, summary } from '../../../src/commands/plan-text.ts'
import { changesOf } from '../../../src/converge/changes.ts'
import { compareStack } from '../../../src/converge/changes-stack.ts'
import type { Command, Outcome } from '../../../src/converge/command.ts'
import type { StackView } from '../../../src/converge/types.ts'
import { addUser, copyOf, failure, generate, person, run, type Scene, scene, ws } from './helper.ts'

const now = new Date('2026-01-02T03:04:05Z')
const look: Partial<Command> = { name: 'plan', checkOnly: true, tellRefusals: true, stack: true, remote: 'read' }
const lines = (outcome: Outcome) => planLines(changesOf(outcome, now))

/** The gateway's state of a user whose node is enrolled under this id. */
function enrol(place: Scene, name: string, id: string, change: object = {}): void {
  const base64 = (value: string) => Buffer.from(value).toString('base64')
  const state = {
    '_current-profile': base64('profile-1'),
    'profile-1': base64(JSON.stringify({ Config: { NodeID: id } })),
  }
  place.disk.put(`${ws}/state/gateway/${name}/tailscaled.state`, JSON.stringify(state))
  for (const key of place.plane.keys) if (key.tags.includes(`tag:tm-${name}`)) key.used = true
  const node = { id, hostname: `tm-${name}`, dnsName: undefined, tags: [`tag:tm-${name}`], user: undefined }
  place.plane.nodes.push({ ...node, online: true, ips: [], ...change })
}

async function withAlice(): Promise<Scene> {
  const place = await scene()
  await run(place, addUser('alice'))
  place.plane.policy = { text: '{"grants": []}', etag: undefined }
  enrol(place, 'alice', '5')
  return place
}

describe('what plan shows', () => {
  it('of a new user: all of it below the name, then the files of the server', async () => {
    const place = await withAlice()
    const { edit } = addUser('bob')
    expect(lines(await run(place, { ...look, edit: edit! }))).toEqual([
      '+ user bob',
      '    + login bob@example.com in the control plane',
      '    + auth key for tm-bob',
      '    + SMB password',
      '    + storage /srv/tm/bob',
      '    + generated/users/bob/smb.conf',
      '~ gateway',
      '    ~ generated/caddy/config.json',
      '~ workspace',
      '    ~ tmgen.yaml',
      '    ~ tmgen.lock.json',
      '    ~ state/allocation.json',
      '    ~ generated/docker-compose.yml',
      '    ~ generated/monitor/settings.json',
      '    ~ generated/prepare.sh',
    ])
  })

  it('of 200 new users fits on a screen', async () => {
    const place = await scene()
    const names = Array.from({ length: 200 }, (_, index) => `user${index}`)
    const edit: Command['edit'] = (parsed) => {
      const people = names.map(
        (name) => `  - name: ${name}\n    logins: [${name}@example.com]\n    macs: [{ name: mac }]\n`,
      )
      return `${parsed.text.replace(/^users:.*\n/m, '')}users:\n${people.join('')}`
    }
    const outcome = await run(place, { ...look, edit })
    const shown = lines(outcome)
    expect(shown.length).toBeLessThan(20)
    expect(shown.slice(0, 4)).toEqual([
      '+ 200 users: user0, user1, user2, user3, user4 and 195 more',
      '    + 200 logins in the control plane',
      '    + 200 auth keys',
      '    + 200 SMB passwords',
    ])
    expect(summary(changesOf(outcome, now))).toMatch(/^200 to add, \d+ to change/)
  })

  it('of a user taken out of tmgen.yaml is a removal', async () => {
    const place = await scene()
    const empty = place.disk.text(`${ws}/tmgen.yaml`)!
    await run(place, addUser('alice'))
    place.plane.policy = { text: '{"grants": []}', etag: undefined }
    place.disk.put(`${ws}/tmgen.yaml`, empty)
    const shown = lines(await run(place, look))
    expect(shown.slice(0, 2)).toEqual(['- user alice', '    - generated/users/alice/smb.conf'])
  })

  it('of a workspace that is as it should be is nothing, also while a node was not taken note of yet', async () => {
    const place = await withAlice()
    const outcome = await run(place, look)
    expect(outcome.steps.map((step) => step.kind)).toEqual(['record-node'])
    expect(lines(outcome)).toEqual([])
  })

  it('changes nothing on disk and in the control plane', async () => {
    const place = await withAlice()
    place.plane.nodes = []
    place.disk.remove(`${ws}/generated/users`)
    const before = copyOf(place)
    await run(place, look)
    expect(place.disk.snapshot('')).toEqual(before.disk.snapshot(''))
    expect(place.plane.serialize()).toBe(before.plane.serialize())
  })
})

describe('drift', () => {
  const nodes: [string, object | undefined, string[]][] = [
    ['deleted', undefined, ['! node tm-alice was deleted in the control plane']],
    ['renamed', { hostname: 'nas' }, ['! node tm-alice is named nas in the control plane']],
    ['that lost its tag', { tags: ['tag:x'] }, ['! node tm-alice is without its tag tag:tm-alice']],
    ['expired by hand', { expires: now }, ['! node tm-alice was expired in the control plane']],
    ['with an end still to come', { expires: new Date('2026-01-02T03:04:06Z') }, []],
    ['in other letters', { hostname: 'TM-Alice' }, []],
  ]
  it.each(nodes)('of a node %s', async (_what, change, drift) => {
    const place = await withAlice()
    place.plane.nodes = place.plane.nodes.flatMap((node) => (change === undefined ? [] : [{ ...node, ...change }]))
    expect(lines(await run(place, look)).filter((line) => line.startsWith('!'))).toEqual(drift)
  })

  it.each([
    ['deleted', (place: Scene) => void place.plane.nodes.pop()],
    ['expired', (place: Scene) => void Object.assign(place.plane.nodes[0]!, { expires: now })],
  ])('of a node that was %s is repaired by a new key, and not shown again while that key waits', async (_, spoil) => {
    const place = await withAlice()
    spoil(place)
    const { steps } = await run(place, {})
    expect(steps.map((step) => step.kind)).toContain('mint-key')
    const after = await run(place, look)
    expect(lines(after)).toEqual([])
    expect(after.notes).toContain('tm-alice waits for the gateway to enrol it again with the key that lies ready')
  })

  it('of a policy that no longer isolates is a change, once, with what to do', async () => {
    const place = await withAlice()
    place.plane.policy = { text: '{"acls":[{"action":"accept","src":["*"],"dst":["*:*"]}]}', etag: undefined }
    const shown = lines(await run(place, look))
    expect(shown[0]).toMatch(/^! the tailnet policy lets others reach alice: .*"\*:\*".* \(line 1 of the policy\)$/)
    expect(shown[1]).toContain('remove or narrow that rule')
    expect(shown).toHaveLength(2)
  })

  it('of files by hand is shown beside the rest; a command that writes refuses', async () => {
    const place = await withAlice()
    place.disk.put(`${ws}/generated/users/alice/smb.conf`, 'x')
    const { edit } = addUser('bob', person('bob'))
    const shown = lines(await run(place, { ...look, edit: edit! }))
    expect(shown).toContain('+ user bob')
    expect(shown).toContain('! generated/users/alice/smb.conf was changed by hand')
    expect(await failure(run(place, generate))).toEqual(['drift: generated/users/alice/smb.conf was changed by hand'])
  })

  it('of 30 nodes is one line', async () => {
    const place = await scene()
    for (let index = 0; index < 30; index++) {
      await run(place, addUser(`user${index}`))
      enrol(place, `user${index}`, String(index + 1))
    }
    place.plane.policy = { text: '{"grants": []}', etag: undefined }
    place.plane.nodes = []
    const shown = lines(await run(place, look)).filter((line) => line.startsWith('!'))
    expect(shown).toEqual([
      '! 30 nodes were deleted in the control plane: tm-user0, tm-user1, tm-user2, tm-user3, tm-user4 and 25 more',
    ])
  })
})

describe('the running stack', () => {
  const hashes = (of: Record<string, string>) => new Map(Object.entries(of))
  const view = (containers: string[], wanted: Record<string, string>, before = wanted): StackView => ({
    containers: containers.map((line) => {
      const [service, hash, state = 'running'] = line.split(' ')
      return { service: service!, hash: hash!, state }
    }),
    wanted: hashes(wanted),
    now: hashes(before),
  })
  const cases: [string, StackView, string[]][] = [
    ['as it should be', view(['gateway a', 'samba-bob b'], { gateway: 'a', 'samba-bob': 'b' }), []],
    ['with nothing started yet', view([], { gateway: 'a' }), ['+ container gateway']],
    [
      'with a container that somebody stopped',
      view(['gateway a exited'], { gateway: 'a' }),
      ['! gateway container-stopped true'],
    ],
    [
      'with a paused one, which compose leaves so',
      view(['gateway a paused'], { gateway: 'a' }),
      ['! gateway container-stopped false'],
    ],
    ['with one that restarts', view(['gateway a restarting'], { gateway: 'a' }), []],
    [
      'with old config though the files say nothing new',
      view(['gateway x'], { gateway: 'a' }),
      ['! gateway container-old true'],
    ],
    [
      'with one that follows a change of the files',
      view(['samba-bob a'], { 'samba-bob': 'b' }, { 'samba-bob': 'a' }),
      ['~ container samba-bob is made anew'],
    ],
    [
      'with one older than both',
      view(['samba-bob x'], { 'samba-bob': 'b' }, { 'samba-bob': 'a' }),
      ['! samba-bob container-old true'],
    ],
    [
      'with a container that nothing asks for',
      view(['gateway a', 'samba-bob b'], { gateway: 'a' }),
      ['- container samba-bob'],
    ],
    ['with a job of the person’s own that ended', view(['backup a exited'], { backup: 'a' }), []],
  ]
  it.each(cases)('%s', (_what, stack, expected) => {
    const { parts, drift } = compareStack(stack)
    expect([
      ...parts.map(({ part }) => `${part.sign} ${part.title}`),
      ...drift.map((one) => `! ${one.name} ${one.drift} ${one.applies}`),
    ]).toEqual(expected)
  })
})
