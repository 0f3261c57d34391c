import type { NodeInfo } from '../../control/index.ts'
import { count } from '../../count.ts'
import { cannotBackUp } from '../../macos.ts'
import { gatewayNotes, nodeNotes } from '../../stack/node-notes.ts'
import { type Check, fail, NotSeen, ok, warn, worst } from '../types.ts'

const gateway: Check = {
  name: 'gateway',
  looks: 'whether the gateway runs, has taken its last config, and has its reserve of disk space.',
  cause: 'nobody reaches a share without it; with an old config a new user is not there.',
  remedy: 'docker compose up -d; then `docker compose logs gateway` says what it does not like',
  test: async (patient) => {
    await patient.served()
    const status = await patient.tryGateway()
    if (!status) return fail('the gateway does not answer')
    const notes = gatewayNotes(status)
    return worst(
      status.rejected ? notes : [],
      status.rejected ? [] : notes,
      count(Object.keys(status.nodes).length, 'node'),
    )
  },
}

const nodes: Check = {
  name: 'nodes',
  looks: 'whether each node runs, the dashboard’s too, and whether it refuses a login that changed.',
  cause: 'that person’s Macs find no server, or operators no page.',
  remedy:
    'for a node that wants a key: `tmgen provision NAME`; for a login that changed: `tmgen set user NAME --rebind`; else see `tmgen logs NAME`',
  test: async (patient) => {
    const all = await patient.servedNodes()
    const status = await patient.gateway()
    const down: string[] = []
    const notes: string[] = []
    for (const { name, hostname } of all) {
      const node = status.nodes[name]
      if (node?.state !== 'running') down.push(`${hostname} is ${node?.state ?? 'unknown to the gateway'}`)
      // The relay is a check of its own.
      const peers = node && { ...node, peers: [] }
      for (const note of nodeNotes(name, peers)) notes.push(`${hostname}: ${note}`)
    }
    return worst(down, notes, `all ${all.length} run`)
  },
}

const names: Check = {
  name: 'node-names',
  looks: 'whether each node has its own name in the tailnet, and no other device with its tag is there.',
  cause:
    'after a lost state the old device keeps the name, and the new one is called NAME-1: Macs go on looking for the old one.',
  remedy: 'delete the device that is offline in the control plane, and rename the other back',
  test: async (patient) => {
    const all = await patient.servedNodes()
    const [wrong, doubles]: [string[], string[]] = [[], []]
    const status = await patient.tryGateway()
    let known: NodeInfo[] | undefined
    try {
      known = await patient.nodes()
    } catch (error) {
      // Without a credential the gateway's own names still tell.
      if (!(error instanceof NotSeen) || !status) throw error
    }
    let seen = 0
    for (const { name, hostname, tag } of all) {
      const ours = known?.filter((node) => node.tags.includes(tag)) ?? []
      const called = status?.nodes[name]?.dns_name.split('.')[0]
      if (called || ours.length > 0) seen++
      if (called && called !== hostname) wrong.push(`the node of ${name} is called ${called}, not ${hostname}`)
      if (ours.length > 1)
        doubles.push(`${ours.length} devices have ${tag}: ${ours.map((node) => node.hostname).join(', ')}`)
    }
    if (seen === 0) throw new NotSeen('no node is enrolled yet')
    return worst(wrong, doubles, count(seen, 'node'))
  },
}

const path: Check = {
  name: 'path',
  looks: 'how packets go to the Macs that are connected now: directly, or by the relay.',
  cause: 'UDP does not get through (a firewall, or ports that are not forwarded): copies are slow.',
  remedy:
    'open the node’s UDP port in the host’s firewall and, behind NAT, forward it; `tmgen list --json` shows which (udpPort)',
  test: async (patient) => {
    await patient.served()
    const { nodes } = await patient.gateway()
    const connected = Object.entries(nodes).flatMap(([user, node]) =>
      node.peers.filter((peer) => peer.connections > 0).map((peer) => ({ ...peer, user })),
    )
    if (connected.length === 0) throw new NotSeen('no Mac is connected now')
    const relayed = connected.filter((peer) => peer.path === 'relay')
    if (relayed.length > 0) return warn(...relayed.map((peer) => `${peer.node} (${peer.user}) goes by the relay`))
    return ok(`${connected.length} connected directly`)
  },
}

const macos: Check = {
  name: 'macos',
  looks:
    'what macOS the Macs run that connected since the gateway started. A control server need not pass that on: Headscale ' +
    'does.',
  cause: 'macOS 15.7.5 to 15.7.7, 26.4 and 26.4.1 cannot back up to any network disk (error 80).',
  remedy: 'update macOS on that Mac',
  test: async (patient) => {
    await patient.served()
    const seen = Object.entries((await patient.gateway()).nodes).flatMap(([user, node]) =>
      node.systems.filter(({ system }) => system.startsWith('macOS ')).map((one) => ({ ...one, user })),
    )
    if (seen.length === 0) throw new NotSeen('no Mac connected whose version is known')
    const bad = seen.filter(({ system }) => cannotBackUp(system))
    if (bad.length > 0) return warn(...bad.map(({ node, user, system }) => `${node} (${user}) runs ${system}`))
    return ok(`${seen.length} seen, none with that bug`)
  },
}

export const gatewayChecks = [gateway, nodes, names, path, macos]
