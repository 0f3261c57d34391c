import { dashboardName, nodesOf } from '../resolve/nodes.ts'
import type { DeployedNode } from '../resolve/types.ts'
import type { Change, ChangePart, Planned } from './change-types.ts'
import { compareStack } from './changes-stack.ts'
import type { Outcome } from './command.ts'
import { nodeDrift, policyDrift, refusalDrift } from './drift.ts'
import { isCopy } from './old-formats.ts'
import { openNote, openRules } from './plan-policy.ts'
import type { Step } from './types.ts'

/** A part and the change that it belongs to. */
interface Placed {
  owner: Pick<Planned, 'what' | 'name'>
  part: ChangePart
}

const workspace = { what: 'workspace', name: 'workspace' } as const
const user = (name: string) =>
  name === dashboardName ? ({ what: 'dashboard', name } as const) : ({ what: 'user', name } as const)

/** Whose a generated file is. */
function ownerOf(path: string): Placed['owner'] {
  const [, folder, name] = /^generated\/([^/]+)\/(?:([^/]+)\/)?/.exec(path) ?? []
  if (folder === 'users' && name !== undefined) return user(name)
  if (folder === 'images' && name !== undefined) return { what: 'image', name }
  if (folder === 'caddy') return { what: 'gateway', name: 'gateway' }
  if (folder === 'headscale') return { what: 'headscale', name: 'headscale' }
  return workspace
}

/** Where a service of compose belongs. */
function ownerOfService(service: string): Placed['owner'] {
  if (service === 'gateway' || service === 'headscale') return { what: service, name: service }
  return service.startsWith('samba-') ? user(service.slice('samba-'.length)) : { what: 'service', name: service }
}

/** A step as the person reads it; undefined: it only takes note of something. */
function place(step: Step, outcome: Outcome): Placed | undefined {
  const { observed, deployment } = outcome
  const named = (id: string) => deployment.users.find((one) => one.id === id)?.name ?? id
  const part = (sign: ChangePart['sign'], what: ChangePart['what'], title: string): ChangePart => ({
    sign,
    what,
    title,
  })
  switch (step.kind) {
    case 'write-file':
      return { owner: ownerOf(step.path), part: part(existed(step.path, outcome) ? '~' : '+', 'file', step.path) }
    case 'remove-file':
      return { owner: ownerOf(step.path), part: part('-', 'file', step.path) }
    case 'make-password':
      return { owner: user(step.user), part: part(step.renew ? '~' : '+', 'password', 'SMB password') }
    case 'create-login':
      return { owner: user(step.user), part: part('+', 'login', `login ${step.login} in the control plane`) }
    case 'mint-key':
    case 'paste-key':
      return {
        owner: user(step.user),
        part: part('+', 'key', `auth key for ${nodeOf(step.user, nodesOf(deployment))}`),
      }
    case 'expire-key': {
      const [id] = Object.entries(observed.control.users).find(([, one]) => one.keyId === step.keyId) ?? []
      return { owner: id === undefined ? workspace : user(named(id)), part: part('-', 'key', 'former auth key') }
    }
    case 'write-policy':
      return {
        owner: { what: 'policy', name: 'policy' },
        part: part(
          observed.remote?.policy === undefined ? '+' : '~',
          'policy',
          'tailnet policy: each login reaches its own node',
        ),
      }
    case 'storage': {
      const isNew = observed.storage.get(step.userId) === 'absent'
      return { owner: user(named(step.userId)), part: part(isNew ? '+' : '~', 'storage', `storage ${step.path}`) }
    }
    case 'stop-container':
      // Where the stack was looked at, it is among the containers that go.
      if (observed.stack !== undefined) return undefined
      return { owner: user(step.user), part: part('-', 'container', `container samba-${step.user}`) }
    case 'copy-database':
      return { owner: { what: 'headscale', name: 'headscale' }, part: part('+', 'file', step.title) }
    case 'record-node':
    case 'open-restore': // by `tmgen restore-access` alone
    case 'close-restore':
    case 'import-storage': // by `tmgen import` alone
    case 'limit-storage': // by `tmgen storage limit` alone
      return undefined
    case 'archive-storage':
    case 'mark-storage':
    case 'delete-node':
    case 'forget-user':
    case 'purge-storage':
    case 'tag-node':
    case 'rename-node':
    case 'move-file':
    case 'move-storage':
    case 'forget-node':
      return undefined // `tmgen remove user`, `rename user` and `rotate` alone do these
  }
}

const nodeOf = (name: string, nodes: readonly DeployedNode[]) =>
  nodes.find((one) => one.name === name)?.hostname ?? name

function existed(path: string, { observed, lockBefore }: Outcome): boolean {
  if (path === 'tmgen.yaml') return true
  if (isCopy(path)) return false
  return path.startsWith('generated/') ? observed.files.has(path) : lockBefore !== undefined
}

/** The sign of a whole: a user's by whether tmgen knew the person, all others' by their parts. */
function signOf(owner: Placed['owner'], parts: readonly ChangePart[], outcome: Outcome): Planned['sign'] {
  const { deployment, lockBefore } = outcome
  const all = (sign: ChangePart['sign']) => parts.every((part) => part.sign === sign)
  if (owner.what !== 'user') return all('+') ? '+' : all('-') ? '-' : '~'
  const known = deployment.users.find((one) => one.name === owner.name)
  if (known === undefined) return '-'
  return lockBefore?.users[known.id] === undefined ? '+' : '~'
}

const order: readonly Planned['what'][] = [
  'user',
  'dashboard',
  'policy',
  'gateway',
  'headscale',
  'image',
  'workspace',
  'service',
]
const signs: readonly Planned['sign'][] = ['+', '~', '-']
const titles: Partial<Record<Planned['what'], string>> = { policy: 'tailnet policy', headscale: 'embedded Headscale' }
const titleOf = ({ what, name }: Placed['owner']) => titles[what] ?? (what === name ? name : `${what} ${name}`)

/**
 * What a planned run would change, as a person reads it: users first, then the parts of the server, then what drifted,
 * each with what to do. Pure.
 */
export function changesOf(outcome: Outcome, now: Date): Change[] {
  const stack = compareStack(outcome.observed.stack)
  const placed = [
    ...outcome.steps.flatMap((step) => place(step, outcome) ?? []),
    ...stack.parts.map(({ service, part }) => ({ owner: ownerOfService(service), part })),
  ]
  const groups = new Map<string, { owner: Placed['owner']; parts: ChangePart[] }>()
  for (const { owner, part } of placed) {
    const key = `${owner.what} ${owner.name}`
    const group = groups.get(key) ?? { owner, parts: [] }
    groups.set(key, group)
    group.parts.push(part)
  }
  const planned = [...groups.values()].map(({ owner, parts }): Planned => {
    return { sign: signOf(owner, parts, outcome), ...owner, title: titleOf(owner), parts }
  })
  const rank = ({ sign, what }: Planned) => order.indexOf(what) * signs.length + signs.indexOf(sign)
  const { deployment, observed, refusals } = outcome
  return [
    ...planned.sort((a, b) => rank(a) - rank(b)),
    ...refusalDrift(refusals),
    ...nodeDrift(deployment, observed, now),
    ...policyDrift(deployment, observed),
    ...stack.drift,
  ]
}

/** The notes of a planned run, without what its changes tell already. */
export function notesBeside({ deployment, observed, notes }: Outcome): string[] {
  const told = new Set(openRules(deployment, observed).map(openNote))
  return notes.filter((note) => !told.has(note))
}
