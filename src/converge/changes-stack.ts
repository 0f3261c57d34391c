import type { ChangePart, Drift } from './change-types.ts'
import { isOurs } from './stack.ts'
import type { SeenContainer, StackView } from './types.ts'

const up = 'docker compose up -d'
const running = (container: SeenContainer) => ['running', 'restarting'].includes(container.state)

/**
 * Containers beside what compose would make of the wanted files: what `docker compose up -d` will add, make anew or
 * remove because of a change of these files, and what drifted although they say nothing new. Pure.
 */
export function compareStack(stack: StackView | undefined): {
  parts: { service: string; part: ChangePart }[]
  drift: Drift[]
} {
  const parts: { service: string; part: ChangePart }[] = []
  const drift: Drift[] = []
  if (stack === undefined) return { parts, drift }
  const put = (service: string, sign: ChangePart['sign'], more = '') =>
    parts.push({ service, part: { sign, what: 'container', title: `container ${service}${more}` } })
  const of = (service: string) => stack.containers.filter((container) => container.service === service)

  for (const [service, hash] of stack.wanted) {
    const found = of(service)
    if (found.length === 0) {
      put(service, '+')
      continue
    }
    const isOld = found.some((container) => container.hash !== hash)
    const follows = found.every((container) => [hash, stack.now.get(service)].includes(container.hash))
    if (!found.some(running) && isOurs(service)) drift.push(stopped(service, found[0]?.state ?? 'gone'))
    else if (isOld && follows) put(service, '~', anew(service))
    else if (isOld) drift.push(old(service))
  }
  for (const service of new Set(stack.containers.map((container) => container.service)))
    if (!stack.wanted.has(service)) put(service, '-')
  return { parts, drift }
}

const anew = (service: string) =>
  service === 'gateway' ? ' is made anew: every connection is cut for some seconds' : ' is made anew'

function old(service: string): Drift {
  const title = `container ${service} runs an older configuration`
  const fix = `${up}, or tmgen apply, makes it anew`
  return { sign: '!', what: 'container', name: service, drift: 'container-old', title, fix, applies: true }
}

function stopped(service: string, state: string): Drift {
  const title = `container ${service} does not run (${state})`
  // Compose leaves a paused container as it is; and without Headscale apply cannot begin.
  const byHand = state === 'paused' ? `docker compose unpause ${service}` : service === 'headscale' && `${up} headscale`
  const fix = byHand || `${up}, or tmgen apply, starts it`
  return { sign: '!', what: 'container', name: service, drift: 'container-stopped', title, fix, applies: !byHand }
}
