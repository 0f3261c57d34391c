import type { History } from '../history/index.ts'
import { enter } from '../ledger.ts'
import { type GatewayNode, type Look, nodeLookOf } from '../observation/index.ts'
import { advanceHost, advanceNode, type HostMemory, type NodeMemory } from '../rules/index.ts'
import type { Settings } from '../settings.ts'

/** Takes one look of the scanner, and what the gateway says at that time, into history and memory. */
export function takeLook(
  history: History,
  settings: Settings,
  look: Look,
  gateway: Record<string, GatewayNode> | undefined,
): void {
  const { at } = look
  const present = new Map<string, boolean | null>()
  const takeNode = (name: string, samba: string | null) => {
    const node = gateway && (Object.hasOwn(gateway, name) ? gateway[name] : null)
    const seen = nodeLookOf(node, samba, at)
    const { bytesIn, bytesOut, at: _, ...body } = seen
    history.record(`node:${name}`, at, body, { bytesIn, bytesOut })
    history.remember(`seen:${name}`, seen)
    const before = history.remembered(`node:${name}`) as NodeMemory | undefined
    history.remember(`node:${name}`, advanceNode(before, name, seen))
    return seen
  }
  for (const { name } of settings.users) present.set(name, takeNode(name, sambaOf(history, look, name)).present)
  if (settings.dashboard) takeNode(settings.dashboard.name, null)
  const macs = new Set(settings.users.flatMap(({ name, macs }) => macs.map((mac) => `${name}/${mac}`)))
  for (const { user, mac, share, samba } of look.shares) {
    // Taken out of tmgen.yaml since.
    if (!macs.has(`${user}/${mac}`)) continue
    enter(
      history,
      user,
      mac,
      { at, share, open: samba?.open ?? null, wrote: samba?.wrote ?? null },
      { every: settings.host.every, present: present.get(user) ?? null },
    )
  }
  const host = { at, gateway: gateway ? 'answers' : 'silent', disks: look.disks } as const
  history.record('host', at, { gateway: host.gateway }, { disks: look.disks })
  history.remember('host', advanceHost(history.remembered('host') as HostMemory | undefined, host, settings.host))
}

/** One that has said that it serves goes on saying so; of an image that never says it nothing is known. */
function sambaOf(history: History, { serving = [] }: Look, user: string): string | null {
  const key = `serves:${user}`
  const hasServed = history.remembered(key) === true
  if (!serving.includes(user)) return hasServed ? 'silent' : null
  if (!hasServed) history.remember(key, true)
  return 'healthy'
}
