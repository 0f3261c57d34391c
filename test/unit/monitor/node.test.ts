import { describe, expect, test } from 'vitest'
import { type GatewayNode, nodeLookOf, nodeLookSchema } from '../../../src/monitor/observation/index.ts'

const node: GatewayNode = {
  state: 'running',
  key_needed: false,
  last_error: '',
  connections: 1,
  bytes_in: 5,
  bytes_out: 7,
  peers: [],
}
const lookAt = (change: Partial<GatewayNode>) => nodeLookSchema.parse(nodeLookOf({ ...node, ...change }, 'healthy', 1))

test('a gateway that is silent, and a node that it does not know', () => {
  expect(nodeLookSchema.parse(nodeLookOf(undefined, null, 1))).toMatchObject({
    state: null,
    present: null,
    samba: null,
  })
  expect(nodeLookOf(null, null, 1)).toMatchObject({ state: 'unknown', sessions: 0 })
})

test('what it says is bounded, and harmless on a terminal', () => {
  const look = lookAt({
    last_error: '\u001b[2J'.repeat(1000),
    state: 'x'.repeat(1000),
    connections: -1,
    bytes_in: 1e300,
  })
  expect(look.error.length).toBeLessThanOrEqual(400)
  expect(look.error).not.toContain('\u001b')
  expect(look).toMatchObject({ sessions: 0, bytesIn: 0, bytesOut: 7 })
})

describe('whether one of the person’s machines is in reach', () => {
  const peer = (path: string, connections = 0, online?: boolean) => ({
    path,
    connections,
    ...(online !== undefined && { online }),
  })
  test.each<[string, GatewayNode['peers'], boolean | null]>([
    ['nothing is heard of any: not known', [], null],
    ['one is idle: not known', [peer('idle')], null],
    ['one is connected', [peer('idle', 1)], true],
    ['one was heard of lately', [peer('idle'), peer('relay')], true],
    ['one is on, and sends nothing', [peer('idle', 0, true)], true],
    ['all are known to be off', [peer('idle', 0, false), peer('idle', 0, false)], false],
    ['one is known to be off, of another nothing is known', [peer('idle', 0, false), peer('idle')], null],
  ])('%s', (_name, peers, present) => expect(lookAt({ peers }).present).toBe(present))
})
