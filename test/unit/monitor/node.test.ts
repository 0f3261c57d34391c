import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type GatewayNode, nodeLookOf, nodeLookSchema } from '../../../src/monitor/observation/index.ts'
import { askGateway } from '../../../src/monitor/report/gateway.ts'

/** A node of the gateway's answer, as gateway/status.go has it, and a peer of it. */
const written = {
  ...{
    state: 'running',
    hostname: 'tm-alice',
    dns_name: 'tm-alice.example.ts.net',
    ips: ['100.64.0.3'],
    node_id: 'n1',
  },
  ...{ key_needed: false, last_error: '', since: '2026-03-02T00:00:00Z', connections: 0, accepted: 1, refused: 0 },
  ...{ bytes_in: 5, bytes_out: 7, pages: 0, peers: [], login_changed: [], pins_error: '', systems: [] },
}
const visitor = {
  ...{ login: 'alice@example.com', node: 'iphone', ip: '100.64.0.9', path: 'direct', endpoint: '192.0.2.7:41641' },
  ...{ connections: 0, visitor: true },
}

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
  const peer = (path: string, connections = 0) => ({ path, connections })
  test.each<[string, GatewayNode['peers'], boolean | null | undefined, boolean | null]>([
    ['nothing is heard of any: not known', [], null, null],
    ['an older gateway says nothing', [], undefined, null],
    ['one is connected', [peer('idle', 1)], null, true],
    ['one is connected, and the control server has not heard of it', [peer('direct', 1)], false, true],
    ['one was heard of lately', [peer('idle'), peer('relay')], null, true],
    ['one is on, and sends nothing', [], true, true],
    ['all are known to be off', [], false, false],
    ['all are off, and somebody else was heard of lately', [peer('direct')], false, false],
  ])('%s', (_name, peers, online, present) =>
    expect(lookAt({ peers, ...(online !== undefined && { device_online: online }) }).present).toBe(present))

  test.each<[string, object, boolean | null]>([
    ['a laptop in a drawer', { device_online: false }, false],
    ['a Mac that is on and idle', { device_online: true }, true],
    ['one of which nobody says anything', { device_online: null }, null],
    ['a gateway of another version', {}, null],
    ['a telephone that looks at the page', { device_online: false, peers: [visitor] }, false],
  ])('as the gateway writes its status: %s', async (_name, told, present) => {
    const folder = mkdtempSync(join(tmpdir(), 'tmgen-node-'))
    const status = { version: 1, nodes: { alice: { ...written, ...told } } }
    const gateway = createServer((_, response) => response.end(JSON.stringify(status)))
    const socket = join(folder, 'status.sock')
    await new Promise<void>((resolve) => gateway.listen(socket, resolve))
    try {
      expect(nodeLookOf((await askGateway(socket))?.alice, null, 1).present).toBe(present)
    } finally {
      gateway.close()
      rmSync(folder, { recursive: true })
    }
  })
})
