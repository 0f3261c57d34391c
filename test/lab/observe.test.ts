import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  askGateway,
  type Client,
  cleanUp,
  compose,
  docker,
  metricsOf,
  run,
  type Stack,
  startTwoUsers,
  waitFor,
} from './support/index.ts'

const MiB = 1024 ** 2

interface Line {
  source: string
  message: string
  fields: Record<string, string | number>
}

describe('what the gateway tells of itself', () => {
  let stack: Stack
  let alice: Client
  let before: Map<string, number>

  beforeAll(async () => {
    ;({ stack, alice } = await startTwoUsers())
    before = await waitFor('the first connections to end', async () => {
      const all = await metricsOf(stack)
      const idle = ['alice', 'bob'].every((user) => all.get(`tmgen_gateway_connections{node="${user}"}`) === 0)
      return idle ? all : undefined
    })
    await alice.must(['sh', '-c', `head -c ${8 * MiB} /dev/urandom > /tmp/copy`])
    const [host, who] = [await alice.peerIp('tm-alice'), await stack.login('alice')]
    const ran = await alice.smb(host, 'macbook', who, 'put /tmp/copy copy')
    if (ran.code !== 0) throw new Error(ran.stdout + ran.stderr)
  })
  afterAll(cleanUp)

  test('the metrics count a copy for its user, and for nobody else', async () => {
    const ended = 'tmgen_gateway_connections_ended_total{node="alice",reason="peer_closed"}'
    await waitFor(
      'the connection to end',
      async () => (await metricsOf(stack)).get(ended) === (before.get(ended) ?? 0) + 1,
    )
    const after = await metricsOf(stack)
    const grown = (name: string) => (after.get(name) ?? Number.NaN) - (before.get(name) ?? Number.NaN)
    expect(grown('tmgen_gateway_received_bytes_total{node="alice"}')).toBeGreaterThan(8 * MiB)
    expect(grown('tmgen_gateway_received_bytes_total{node="alice"}')).toBeLessThan(9 * MiB)
    expect(grown('tmgen_gateway_sent_bytes_total{node="alice"}')).toBeGreaterThan(0)
    expect(grown('tmgen_gateway_connections_accepted_total{node="alice"}')).toBe(1)
    expect(grown('tmgen_gateway_connection_duration_seconds_count{node="alice"}')).toBe(1)
    expect(grown('tmgen_gateway_upstream_dial_duration_seconds_count{node="alice"}')).toBe(1)
    expect(grown('tmgen_gateway_received_bytes_total{node="bob"}')).toBe(0)
    expect(after.get('tmgen_gateway_config_last_reload_successful')).toBe(1)
    expect(after.get('tmgen_gateway_node_state{node="alice",state="running"}')).toBe(1)
    expect([...after.keys()].filter((name) => /alice@|100\.64|mac-alice/.test(name))).toEqual([])
  })

  test('tmgen logs shows the copy to its user: who, from where, how long, how much, why it ended', async () => {
    const line = await waitFor('the line of the copy', async () =>
      (await lines('alice')).find((one) => one.message === 'connection ended' && Number(one.fields.bytes_in) > 8 * MiB),
    )
    expect(line.fields).toMatchObject({ who: 'alice', peer: alice.tailnetIp, reason: 'peer_closed', not_logged: 0 })
    expect(line.fields.peer_node).toMatch(/^mac-alice/)
    expect(['direct', 'relay']).toContain(line.fields.path)
    expect(line.fields.seconds).toBeGreaterThan(0)
    expect(Date.now() - Date.parse(String(line.fields.opened))).toBeLessThan(300_000)
  })

  test("tmgen logs shows neither user the other's lines, though one gateway wrote both", async () => {
    const ofGateway = await compose(stack.dir, ['logs', '--no-color', 'gateway'])
    for (const [user, other] of [
      ['alice', 'bob'],
      ['bob', 'alice'],
    ] as const) {
      expect(ofGateway).toContain(`"who":"${other}"`)
      const shown = await stack.must(['logs', user])
      expect(shown).toContain(`who=${user}`)
      expect(shown).not.toContain(other)
    }
    expect((await lines('alice')).map((line) => line.source)).toContain('samba')
  })

  test('the profile command gives a pprof file of the running gateway', async () => {
    for (const [name, word] of [
      ['heap', 'inuse_space'],
      ['cpu', 'nanoseconds'],
    ] as const) {
      const file = join(stack.dir, '..', `${name}.pprof`)
      const ask = `docker compose exec -T gateway /tmgen-gateway profile --seconds 1 ${name} > "$0"`
      const ran = await run('sh', ['-c', ask, file], { cwd: stack.dir })
      expect(ran.code, ran.stderr).toBe(0)
      expect(gunzipSync(readFileSync(file)).toString('latin1')).toContain(word)
    }
  })

  test('profiles are nowhere else: not on the status socket, on no port of a node or of the container', async () => {
    for (const path of ['/debug/pprof/', '/debug/pprof/heap', '/debug/vars', '/profile/heap?seconds=1', '/config/'])
      expect((await askGateway(stack, path)).status, path).toBe(404)
    const node = await alice.peerIp('tm-alice')
    const ports = [80, 443, 2019, 5252, 6060, 9090]
    const open = await Promise.all(ports.map((port) => alice.connects(node, port)))
    expect(ports.filter((_, at) => open[at])).toEqual([])
    const script = `
import socket
c = socket.create_connection(("${node}", 445), 5)
c.settimeout(5)
c.sendall(b"GET /debug/pprof/ HTTP/1.0\\r\\n\\r\\n")
try:
    print(c.recv(100))
except OSError:
    print("closed")`
    expect(await alice.must(['python3', '-c', script])).not.toContain('HTTP')
    expect(await tcpPorts()).toEqual([])
  })

  /** Ports that processes of the gateway's container listen on; Docker's own name server there is left out. */
  async function tcpPorts(): Promise<number[]> {
    const { id } = await stack.containerOf('gateway')
    const pid = await docker(['inspect', '--format', '{{.State.Pid}}', id])
    const sockets = ['tcp', 'tcp6'].flatMap((kind) => readFileSync(`/proc/${pid}/net/${kind}`, 'utf8').split('\n'))
    // 0A: listening. 0B00007F: 127.0.0.11.
    const open = sockets.filter((line) => / 0A /.test(line) && !line.includes(' 0B00007F:'))
    return open.map((line) => Number.parseInt(/:([0-9A-F]{4}) /.exec(line)?.[1] ?? '', 16))
  }

  /** All lines of a user, parsed. */
  async function lines(user: string): Promise<Line[]> {
    const text = await stack.must(['logs', user, '--json', '--tail', '0'])
    return text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line)
  }
})
