import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { docker, labCache } from '../../test/lab/support/index.ts'

/** Name of the demo's workspace and compose project; also the prefix of everything else that it starts. */
export const project = 'tmgen-demo'
export const home = join(labCache(), 'demo')
export const workspace = join(home, 'timemachine')

const stun = 3478
/** tmgen publishes blocks of 32 UDP ports, from 21000 where nobody says otherwise. */
const [firstUdp, block] = [21_000, 32]

/** Throws unless the STUN port is free: an embedded Headscale always takes it. */
export async function checkStun(): Promise<void> {
  const holder = await docker(['ps', '--filter', `publish=${stun}/udp`, '--format', '{{.Names}}'])
  if (holder === '' && (await udpFree(stun))) return
  const who = holder === '' ? 'another process' : `the container ${holder.split('\n')[0]}`
  throw new Error(`UDP port ${stun} (STUN) is taken by ${who}; the demo's Headscale needs it: free it and start again`)
}

/** A TCP port for the control server, 8443 or the next free one. */
export async function controlPort(): Promise<number> {
  for (let port = 8443; port < 8543; port++) if (await tcpFree(port)) return port
  throw new Error('no TCP port between 8443 and 8542 is free')
}

/** First port of a free block for the nodes. */
export async function udpBlock(): Promise<number> {
  const taken = publishedUdp(await docker(['ps', '--format', '{{.Ports}}']))
  for (let from = firstUdp; from < 30_000; from += block) {
    const ports = Array.from({ length: block }, (_, i) => from + i)
    if (ports.some((port) => taken.has(port))) continue
    if ((await Promise.all(ports.map(udpFree))).every(Boolean)) return from
  }
  throw new Error('no block of 32 UDP ports between 21000 and 30000 is free')
}

/** Host ports in what `docker ps` prints, such as `0.0.0.0:21000-21031->21000-21031/udp`. */
function publishedUdp(text: string): Set<number> {
  const ports = new Set<number>()
  for (const [, from, to] of text.matchAll(/:(\d+)(?:-(\d+))?->[\d-]+\/udp/g))
    for (let port = Number(from); port <= Number(to ?? from); port++) ports.add(port)
  return ports
}

function udpFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4').once('error', () => resolve(false))
    socket.bind({ port, exclusive: true }, () => socket.close(() => resolve(true)))
  })
}

function tcpFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false))
    server.listen(port, () => server.close(() => resolve(true)))
  })
}
