import { onCleanup } from './cleanup.ts'
import { docker, uniqueName } from './docker.ts'

/** A network of the test's own. `hostIp` is the Docker host on it; `ip(n)` gives its nth address. */
export interface Network {
  name: string
  bridge: string
  subnet: string
  hostIp: string
  ip(n: number): string
}

/** A fresh Docker network: `internal` has no way out; without `nat` the way out keeps addresses. Subnets are 192.168.100-249.0/24, away from tmgen's 10/8. */
export async function freshNetwork({ internal = true, nat = true } = {}): Promise<Network> {
  const kind = [
    ...(internal ? ['--internal'] : []),
    ...(nat ? [] : ['-o', 'com.docker.network.bridge.enable_ip_masquerade=false']),
  ]
  for (let tries = 0; ; tries++) {
    const name = uniqueName('net')
    const bridge = `tml${name.slice(-6)}`
    const prefix = `192.168.${100 + Math.floor(Math.random() * 150)}`
    const options = ['-o', `com.docker.network.bridge.name=${bridge}`, ...kind]
    const addresses = ['--subnet', `${prefix}.0/24`, '--gateway', `${prefix}.1`, '--ip-range', `${prefix}.128/25`]
    try {
      await docker(['network', 'create', ...options, ...addresses, name])
    } catch (error) {
      // Another network has that subnet: take the next.
      if (tries < 20 && /overlap/i.test(String(error))) continue
      throw error
    }
    onCleanup(`network ${name}`, () => docker(['network', 'rm', name]))
    return { name, bridge, subnet: `${prefix}.0/24`, hostIp: `${prefix}.1`, ip: (n) => `${prefix}.${n}` }
  }
}

/** Runs a shell script with rights over the host's firewall, on any Docker: in a container on the host's network. */
export async function onHostNetwork(script: string): Promise<string> {
  const flags = ['--rm', '-i', '--network', 'host', '--cap-add', 'NET_ADMIN', '--entrypoint', 'sh']
  return docker(['run', ...flags, 'tmgen-lab/client', '-eu'], { input: script })
}

// Docker uses one of two iptables backends; the chain tells which.
const PICK_IPTABLES = `
for tables in iptables-nft iptables-legacy; do
  if $tables -n -L DOCKER-USER >/dev/null 2>&1; then break; fi
done
`

/**
 * A LAN in front of the Docker host. Docker keeps its bridges apart, so a container on a second bridge could never
 * reach a published port as a real neighbour does. Here: machines on the LAN reach each other, the host, and published
 * ports (through Docker's own DNAT); containers of other bridges reach the LAN through Docker's NAT. The LAN's own
 * addresses are not translated, as a neighbour's are not: else both directions of a path would be two, of equal worth.
 * Nothing on the LAN gets out to anywhere else, and container addresses behind the host stay unreachable.
 */
export async function freshLan(): Promise<Network> {
  const lan = await freshNetwork({ internal: false, nat: false })
  const rules = [
    `-i ${lan.bridge} -m conntrack --ctstate DNAT -j ACCEPT`,
    `-i ${lan.bridge} -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT`,
    `-i ${lan.bridge} -o ${lan.bridge} -j ACCEPT`,
    `-i ${lan.bridge} -j DROP`,
    `-o ${lan.bridge} -j ACCEPT`,
  ]
  const inserts = rules.map((rule, at) => `$tables -I DOCKER-USER ${at + 1} ${rule}`)
  const deletes = rules.map((rule) => `$tables -D DOCKER-USER ${rule}`)
  await onHostNetwork(`${PICK_IPTABLES}${inserts.join('\n')}\n`)
  onCleanup(`firewall rules of ${lan.name}`, () => onHostNetwork(`${PICK_IPTABLES}${deletes.join('\n')}\n`))
  return lan
}
