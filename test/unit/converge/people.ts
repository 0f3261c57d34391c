import { parseConfig, removeUserText } from '../../../src/config/index.ts'
import type { Command } from '../../../src/converge/command.ts'
import { TinyDocker } from '../../support/docker.ts'
import type { MemoryWorldOptions } from '../../support/world.ts'
import { addUser, copyOf, run, type Scene, scene, ws } from './helper.ts'

/** A workspace with Docker beside it. */
export interface Place extends Scene {
  docker: TinyDocker
}
export const band = 'macbook/a.sparsebundle/bands/0'
export const removing: Partial<Command> = {
  name: 'remove user alice',
  edit: (parsed) =>
    parsed.config.users.some((user) => user.name === 'alice') ? removeUserText(parsed, 'alice') : parsed.text,
  remove: 'alice',
  permits: 'access',
  users: ['alice'],
}
export const runIn = ({ docker, ...place }: Place, command: Partial<Command>, options: MemoryWorldOptions = {}) =>
  run(place, command, { docker: docker.answer, ...options })
export const copy = (place: Place): Place => ({ ...copyOf(place), docker: place.docker.clone() })
const base64 = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64')
export const json = ({ disk }: Scene, path: string) => JSON.parse(disk.text(`${ws}/${path}`)!)

/** A node in the control plane, and in the gateway's state. */
export function enrolAs({ disk, plane }: Scene, name: string, id: string, hostname = `tm-${name}`): void {
  const state = { '_current-profile': base64('profile-a1'), 'profile-a1': base64({ Config: { NodeID: id } }) }
  disk.put(`${ws}/state/gateway/${name}/tailscaled.state`, JSON.stringify(state))
  disk.put(`${ws}/state/gateway/${name}/pins/pins-0.json`, '{}')
  plane.nodes.push({
    id,
    hostname,
    tags: [`tag:tm-${name}`],
    dnsName: undefined,
    user: undefined,
    online: true,
    ips: [],
  })
}

/** Alice and Bob, enrolled, with data and a container each. */
export async function start(provider: Parameters<typeof scene>[0] = 'headscale'): Promise<Place> {
  const place = { ...(await scene(provider)), docker: new TinyDocker() }
  for (const [index, name] of ['alice', 'bob'].entries()) {
    await runIn(place, addUser(name))
    const id = String(index + 11)
    place.disk.put(`/srv/tm/${name}/${band}`, `data of ${name}`)
    enrolAs(place, name, id)
    const env = [`TMGEN_WORKSPACE=${json(place, 'tmgen.lock.json').workspace}`]
    const mounts = [`/srv/tm/${name}`]
    place.docker.containers.push({ id: id.repeat(32), service: `samba-${name}`, env, mounts })
  }
  await runIn(place, { name: 'provision' })
  return place
}

export const usersOf = ({ disk }: Scene) =>
  parseConfig(disk.nodes.get(`${ws}/tmgen.yaml`)!.content, 'tmgen.yaml').config.users
export const isIn = (place: Scene) => usersOf(place).some((user) => user.name === 'alice')

export const archived = ({ disk }: Scene) =>
  [...disk.nodes.keys()].filter((path) => path.startsWith('/srv/tm/.tmgen-archive/') && path.endsWith(band))

/** All of Bob's: files, data, node, container. */
export const hisOf = ({ disk, plane, docker }: Place) => [
  disk.snapshot('/srv/tm/bob'),
  disk.snapshot(`${ws}/secrets/smb/bob`),
  disk.snapshot(`${ws}/state/gateway/bob`),
  disk.text(`${ws}/secrets/gateway/bob.authkey`),
  disk.text(`${ws}/generated/users/bob/smb.conf`),
  plane.nodes.filter((node) => node.id === '12'),
  docker.containers.filter((one) => one.service === 'samba-bob'),
]
