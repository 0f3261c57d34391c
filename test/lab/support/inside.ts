import { connect } from 'node:net'
import { docker } from './docker.ts'
import type { Stack } from './stack.ts'

/** What a container sees of the host: where it is, and which folder or volume it is. */
export interface Mount {
  source: string
  target: string
}

/** Mounts of a service's container, as Docker made them. */
export async function mountsOf(stack: Stack, service: string): Promise<Mount[]> {
  const { id } = await stack.containerOf(service)
  const mounts = JSON.parse(await docker(['inspect', '-f', '{{json .Mounts}}', id])) as {
    Name?: string
    Source: string
    Destination: string
  }[]
  return mounts.map(({ Name, Source, Destination }) => ({ source: Name ?? Source, target: Destination })).sort(byTarget)
}

const byTarget = (a: Mount, b: Mount) => (a.target < b.target ? -1 : 1)

/** Mount points of /proc/self/mountinfo that are files or folders of a disk: neither memory nor the kernel's own. */
export function diskMounts(mountinfo: string): string[] {
  const kernel = /^(proc|sysfs|tmpfs|devpts|mqueue|cgroup2?)$/
  const targets = mountinfo.split('\n').flatMap((line) => {
    const [place, kind] = line.split(' - ')
    return place && kind && !kernel.test(kind.split(' ')[0] as string) ? [place.split(' ')[4] as string] : []
  })
  return targets.sort()
}

/** The address of a service's container on the network of shares. */
export async function sharesIp(stack: Stack, service: string): Promise<string> {
  const format = '{{range $name, $net := .NetworkSettings.Networks}}{{$name}} {{$net.IPAddress}}{{"\\n"}}{{end}}'
  const { id } = await stack.containerOf(service)
  const line = (await docker(['inspect', '-f', format, id])).split('\n').find((one) => one.includes('_shares '))
  if (line === undefined) throw new Error(`${service} is not on the network of shares`)
  return line.split(' ')[1] as string
}

/** Whether the host itself opens a TCP connection to ip:port within 3 s. */
export function hostConnects(ip: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: ip, port, timeout: 3000 })
    const end = (opened: boolean) => {
      socket.destroy()
      resolve(opened)
    }
    socket.once('connect', () => end(true)).once('timeout', () => end(false))
    socket.once('error', () => end(false))
  })
}
