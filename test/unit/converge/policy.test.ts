import { beforeEach, describe, expect, test } from 'vitest'
import { cutOwn } from '../../../src/control/policy-marks.ts'
import { pipeline } from '../../../src/converge/pipeline.ts'
import { TmgenError } from '../../../src/errors.ts'
import { Kill, memoryWorld } from '../../support/world.ts'
import { addUser, copyOf, dependencies, failure, faultAt, run, type Scene, scene, ws } from './helper.ts'

const theirs = '// mine\n{"grants": [{"src": ["autogroup:member"], "dst": ["tag:web"], "ip": ["*"]}]}\n'
const command = { name: 'policy apply', permits: 'policy' } as const

let place: Scene

beforeEach(async () => {
  place = await scene('tailscale')
  await run(place, addUser('alice'))
  place.plane.policy = { text: theirs, etag: '"1"' }
  place.plane.calls.length = 0
})

const written = () => place.plane.policy?.text ?? ''

describe('a policy that is somebody else’s', () => {
  test('is written by this command alone', async () => {
    for (const permits of ['all', 'access', 'local'] as const) {
      const { steps, notes } = await run(place, { permits })
      expect(steps.map((step) => step.kind)).not.toContain('write-policy')
      expect(notes).not.toContainEqual(expect.stringContaining('not done by this command'))
    }
    expect(written()).toBe(theirs)
    const { steps, notes } = await run(place, command)
    expect(steps.map((step) => step.kind)).toEqual(['write-policy'])
    expect(notes).toEqual([])
    expect(written()).toContain('"tag:tm-alice"')
    expect((await run(place, command)).steps).toEqual([])
    expect(place.plane.calls).toEqual(['writePolicy'])
  })

  test('is checked by the server before the review, and written under the ETag that was read last', async () => {
    const seen: string[] = []
    place.plane.hook = (call, moment) => void (moment === 'before' && seen.push(call))
    await run(place, { ...command, review: async () => void seen.push('review') })
    expect(seen.slice(-5)).toEqual(['checkPolicy', 'review', 'readPolicy', 'writePolicy', 'readPolicy'])
    expect(place.plane.policy?.etag).toBe('"1"')
  })

  test('is not written over a newer one, by text or by ETag', async () => {
    const newer = { text: `${theirs}// newer\n`, etag: '"2"' }
    const review = async () => {
      place.plane.policy = newer
    }
    expect(await failure(run(place, { ...command, review }))).toEqual([
      'control-changed: the policy was changed on the server meanwhile',
    ])
    expect([place.plane.policy, place.plane.calls]).toEqual([newer, []])
    place.plane.hook = (call) => {
      if (call === 'writePolicy') throw new TmgenError('control-changed', '412')
    }
    expect(await failure(run(place, command))).toEqual(['control-changed: 412'])
    expect(place.plane.policy).toBe(newer)
  })

  test('is not planned where only a plan is asked for', async () => {
    const { steps } = await run(place, { permits: 'all', checkOnly: true, remote: 'read' })
    expect(steps.map((step) => step.kind)).not.toContain('write-policy')
  })

  test('killed anywhere, the same command ends in the right policy, written at most once more', async () => {
    for (let n = 1; ; n++) {
      const then = copyOf(place)
      const fault = faultAt(then, n, () => new Kill('kill -9'))
      const world = memoryWorld(then.disk, { hook: fault.hook })
      const whole = { remote: 'write', ...command } as const
      const error = await pipeline(world, ws, whole, dependencies(then.plane, world.now)).catch((e: unknown) => e)
      if (!fault.happened()) break
      expect(error).toBeInstanceOf(Kill)
      expect([theirs, expect.stringContaining('"tag:tm-alice"')]).toContainEqual(then.plane.policy?.text)
      then.plane.hook = () => undefined
      const { notes, deployment } = await run(then, command)
      expect(notes).not.toContainEqual(expect.stringContaining('nothing of it is left'))
      expect(then.plane.policy?.text).toContain('"tag:tm-alice"')
      expect(cutOwn(then.plane.policy?.text ?? '', deployment.workspace.id).text).toBe(theirs)
      expect((await run(then, command)).steps).toEqual([])
      expect(n).toBeLessThan(100)
    }
  })
})

test('an unsigned node is drift, with the command for a signing node', async () => {
  const { changesOf } = await import('../../../src/converge/index.ts')
  const alice = { id: 'n1', hostname: 'tm-alice', dnsName: undefined, tags: ['tag:tm-alice'], user: undefined }
  place.plane.nodes = [{ ...alice, online: false, ips: [], unsigned: { sign: 'tailscale lock sign nodekey:1' } }]
  const outcome = await run(place, { permits: 'all', checkOnly: true, remote: 'read' })
  const drift = changesOf(outcome, new Date()).filter((change) => change.sign === '!')
  expect(drift).toMatchObject([
    { drift: 'node-unsigned', applies: false, fix: expect.stringContaining('tailscale lock sign nodekey:1') },
  ])
})
