import { nodesOf } from '../resolve/nodes.ts'
import type { Deployment } from '../resolve/types.ts'
import { planDatabase } from './headscale-database.ts'
import { planFiles } from './plan-files.ts'
import { planKeys } from './plan-keys.ts'
import { planLeaving } from './plan-leaving.ts'
import { planLimits, planRoom } from './plan-limits.ts'
import { planOrphans } from './plan-orphans.ts'
import { planPolicy, planWholePolicy } from './plan-policy.ts'
import { planPurge } from './plan-purge.ts'
import { planRekey } from './plan-rekey.ts'
import { planRenaming } from './plan-renaming.ts'
import { planStorage } from './plan-storage.ts'
import type { Desired, Part, Permission, Plan, RestoreWish, TextChange } from './plan-types.ts'
import type { Observed, Step } from './types.ts'

function planTexts(desired: Desired): Step[] {
  // The copy of a file comes before the file.
  const steps = [...desired.copies].map(([path, content]): Step => {
    return { kind: 'write-file', path, content, mode: 0o644, title: `keep the former format as ${path}` }
  })
  const texts: [string, TextChange, number, string][] = [
    ['tmgen.yaml', desired.yaml, 0o644, 'edit tmgen.yaml'],
    ['tmgen.lock.json', desired.lock, 0o644, 'record allocations in tmgen.lock.json'],
    ['state/allocation.json', desired.mirror, 0o600, 'mirror the allocations in state/'],
  ]
  for (const [path, { before, after }, mode, title] of texts)
    if (before !== after) steps.push({ kind: 'write-file', path, content: after, mode, title })
  return steps
}

function planPasswords({ users }: Deployment, observed: Observed, renewed: ReadonlySet<string>): Step[] {
  return users
    .filter((user) => user.enabled && (renewed.has(user.name) || !observed.passwords.has(user.name)))
    .map((user) => {
      const renew = observed.passwords.has(user.name)
      const title = `make ${renew ? 'a new' : 'an'} SMB password for ${user.name}`
      return { kind: 'make-password', user: user.name, renew, title }
    })
}

/** Containers whose user has no route any more. */
const planStops = ({ strays = [] }: Observed): Step[] =>
  strays.map(({ container, user }) => ({
    kind: 'stop-container',
    container,
    user,
    title: `stop the container samba-${user}`,
  }))

function planRestore(wish: RestoreWish | undefined): Step[] {
  if (wish === undefined) return []
  const { user, files } = wish
  if (files === undefined)
    return [{ kind: 'close-restore', user, title: `remove the files of the restore access of ${user}` }]
  return [{ kind: 'open-restore', user, files, title: `write the restore access of ${user}` }]
}

/** Operators that read like a tag whose `tag:` was forgotten: logins have an @, or are a user's too. */
function operatorNotes({ dashboard, users }: Deployment): string[] {
  const known = new Set(users.flatMap(({ logins }) => logins))
  return (dashboard?.logins ?? [])
    .filter((login) => !login.includes('@') && !known.has(login))
    .map((login) => `dashboard.operators: ${login} is taken as a login; for a tag write tag:${login}`)
}

/** The steps from what is to what is wanted, as far as permitted; what is not permitted becomes a note. Pure. */
export function plan(desired: Desired, observed: Observed, permission: Permission): Plan {
  if (permission.policy) {
    const { steps, notes, errors } = planWholePolicy(desired.deployment, observed)
    return { steps, notes: [...observed.notes, ...notes], refusals: [...errors] }
  }
  if (permission.orphans !== undefined) {
    const { steps, errors } = planOrphans(desired.deployment, observed, permission.orphans, permission.now)
    return { steps, notes: observed.notes, refusals: [...errors] }
  }
  const keys = planKeys(desired.deployment, observed, permission)
  const policy = planPolicy(desired.deployment, observed)
  const storage = planStorage(desired.deployment, observed, desired.tree)
  const files = planFiles(desired.tree, observed)
  const { leaving } = permission
  const isEnd = leaving?.phase === 'end'
  const end: Part = isEnd
    ? planLeaving(observed, desired.deployment.workspace.id, permission.now)
    : { steps: [], notes: [], errors: [] }
  const database = planDatabase(desired.tree, observed.headscale, permission.now)
  const rename = planRenaming(desired.deployment, observed, permission.now)
  const rekey = planRekey(desired.deployment, observed, permission)
  const isMove = permission.staged === 'move'
  const limits = planLimits(desired.deployment, observed, permission.limits)
  const room = planRoom(desired.deployment, observed, permission.toleratesOvercommit, permission.added)
  // A folder whose image is not mounted looks gone: mounting it is what the limits are for.
  const parts = [keys, policy, database, ...(permission.limits === undefined ? [storage] : []), files, limits, room]
  const refusals = desired.restore === undefined ? [...parts, rename, rekey].flatMap((part) => part.errors) : []

  const stops = planStops(observed)
  const ordered = [
    // The route of a leaver is cut already: what still runs ends before anything of it is touched.
    ...(isEnd || isMove ? stops : []),
    ...(isEnd ? policy.steps : []),
    ...end.steps,
    ...planPurge(observed),
    ...keys.steps.filter((step) => step.kind === 'create-login'),
    // Before the first key: an empty policy allows everything; and before a tag that it defines.
    ...(isEnd ? [] : policy.steps),
    ...(isMove ? [...rename.steps, ...rekey.steps] : []),
    ...keys.steps.filter((step) => step.kind !== 'create-login'),
    ...planPasswords(desired.deployment, observed, permission.renewed),
    ...database.steps, // while the files still make the former Headscale
    ...planTexts(desired),
    ...storage.steps,
    ...limits.steps,
    ...planRestore(desired.restore),
    ...files.steps.filter((step) => step.kind !== 'remove-file'),
    ...(isEnd || isMove ? [] : stops), // behind the gateway's config, which cuts the route
    ...files.steps.filter((step) => step.kind === 'remove-file'),
  ]
  const steps = ordered.filter((step) => permission.kinds.has(step.kind))
  const notes = [...observed.notes, ...parts.flatMap((part) => part.notes), ...end.notes]
  if (isMove) notes.push(...rename.notes, ...rekey.notes)
  if (permission.staged === undefined)
    for (const { name, rekeying } of nodesOf(desired.deployment))
      if (rekeying) notes.push(`${name} has no access until the node has its new key: tmgen rotate ${name} --key`)
  if (permission.staged === undefined) notes.push(...operatorNotes(desired.deployment))
  if (permission.staged === undefined)
    for (const { name, formerly } of desired.deployment.users)
      if (formerly !== undefined)
        notes.push(`${name} has no access until the rename is done: tmgen rename user ${formerly} ${name}`)
  for (const step of ordered) {
    if (permission.kinds.has(step.kind) || step.kind === 'record-node') continue
    // The next run of the same verb does it.
    const isStaged = permission.staged !== undefined || leaving?.phase === 'cut'
    if (isStaged && step.kind === 'write-policy') continue
    notes.push(`not done by this command: ${step.title}`)
  }
  for (const name of desired.deployment.retired)
    if (name !== leaving?.name)
      notes.push(
        `${name} is no longer in tmgen.yaml: access ends; numbers, secrets, data and node are kept until: tmgen remove user ${name}`,
      )
  return { steps, notes, refusals }
}
