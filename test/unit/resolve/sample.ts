import { newLock, resolve } from '../../../src/resolve/index.ts'
import type { Lock } from '../../../src/resolve/types.ts'
import { good, parse } from '../config/sample.ts'

export { bytes, failure } from '../config/sample.ts'

export const empty: Lock = newLock('0123456789abcdef')

/** A config with these users; `network` is what stands below `network:`. */
export function configOf(names: readonly string[], network = 'subnet: 10.77.0.0/22', extra = ''): string {
  const users = names.map((name) => `  - {name: ${name}, logins: [${name}@example.com], macs: [{name: macbook}]}\n`)
  return `${good.slice(0, good.indexOf('network:'))}network: {${network}}\n${extra}users:\n${users.join('')}`
}

export function run(names: readonly string[], lock: Lock = empty, network?: string, extra?: string) {
  return resolve(parse(configOf(names, network, extra)), lock)
}

/** The numbers of a user by name. */
export function numbersOf(lock: Lock): Map<string, { id: string; uid: number; ip: string; port: number | undefined }> {
  const nodes = Object.values(lock.nodes)
  return new Map(
    Object.entries(lock.users).map(([id, user]) => [
      user.name,
      {
        id,
        uid: user.uid,
        ip: user.destinations.timemachine.ip,
        port: nodes.find((n) => n.owner === id)?.udpPort,
      },
    ]),
  )
}
