import type { BroaderRule } from '../control/index.ts'
import type { Inspection } from '../converge/index.ts'
import { table } from '../ui/output.ts'
import { printable } from '../ui/printable.ts'
import type { Context } from './context.ts'
import { type GatewayStatus, gatewayStatus } from './gateway-status.ts'
import { look } from './look.ts'
import { type UserRow, userRows } from './rows.ts'

/** `tmgen list`: a row a user on stdout, what could not be looked at on stderr. Writes nothing. */
export async function list(context: Context, options: { offline?: boolean; json?: boolean }): Promise<undefined> {
  const { ui } = context
  const world = await context.world()
  const looked = await look(context, options.offline ? 'no' : 'read')
  const { deployment, observed, notes } = looked
  const rules = await broader(looked)
  const gateway = deployment.host === 'local' ? await gatewayStatus(world, context.dir) : undefined
  const rows = userRows(deployment, observed, rules, world.now())
  if (options.json) {
    const users = rows.map((row) => ({ ...row, gateway: gateway?.nodes[row.name] ?? null }))
    ui.json({ workspace: deployment.workspace, users, broaderRules: rules ?? null, retired: deployment.retired })
  } else if (rows.length === 0) ui.say('no users yet: tmgen add user NAME --login LOGIN')
  else
    ui.data(
      table(
        header,
        rows.map((row) => cells(row, gateway)),
      ),
    )
  for (const note of notes) ui.note(printable(note))
  for (const { text, line, reaches } of rules ?? []) {
    const where = line === undefined ? '' : ` (line ${line} of the policy)`
    ui.note(printable(`policy open for ${names(reaches)}: ${text}${where}`))
  }
  for (const row of rows) for (const text of gatewayNotes(row, gateway)) ui.note(printable(text))
  const { reserve } = gateway ?? {}
  if (reserve && reserve.left < reserve.size)
    ui.note(
      `the disk of state/ is full, or was: ${mib(reserve.left)} of ${mib(reserve.size)} MiB kept for that are left; ` +
        'make room, and the gateway fills them up again',
    )
  if (gateway?.rejected) ui.note(printable(`the gateway refused its last config: ${gateway.rejected.error}`))
  return undefined
}

const mib = (bytes: number) => Math.floor(bytes / 1024 ** 2)

/** What the gateway says is wrong with a user's node, and the remedy where it needs the person. */
function gatewayNotes({ name, node }: UserRow, gateway: GatewayStatus | undefined): string[] {
  const status = gateway?.nodes[name]
  if (!status) return []
  const remedy = `tmgen set user ${name} --rebind`
  const notes = status.last_error ? [status.last_error] : []
  if (status.pins_error) notes.push(status.pins_error)
  for (const { login, old_id, new_id, since, last } of status.login_changed)
    notes.push(
      `login ${login} is refused since ${since} (last ${last}): it belongs to account ${new_id} now, before to ` +
        `${old_id}; if that is the same person: ${remedy}`,
    )
  for (const peer of status.peers)
    if (peer.connections > 0 && peer.path === 'relay')
      notes.push(`${peer.node} is connected through the relay, which is slow: UDP does not get through`)
  return notes.map((text) => `${node.hostname}: ${text}`)
}

/** Rules that let others in; `undefined` where the policy cannot be read. */
async function broader({ deployment, observed }: Inspection): Promise<BroaderRule[] | undefined> {
  if (!observed.remote || deployment.control.provider === 'manual') return undefined
  const { broaderRules } = await import('../control/index.ts')
  return broaderRules(observed.remote.policy?.text, deployment, observed.remote.nodes)
}

/** A few names, then a count. */
const names = (all: readonly string[]) =>
  all.length <= 3 ? all.join(', ') : `${all.slice(0, 3).join(', ')} and ${all.length - 3} more`

const header = ['USER', 'NODE', 'STATE', 'MACS', 'KEY', 'ENROLLED', 'ISOLATION']
const enrolledText = { true: 'yes', false: 'no', null: 'unknown' } as const
const isolationText = { closed: 'closed', open: 'policy open', null: 'unknown' } as const

/** The state of a node; a person who is refused although it runs must not look well. */
function stateText(node: GatewayStatus['nodes'][string] | undefined): string {
  if (!node) return 'not running'
  if (node.pins_error) return `${node.state}, pins broken`
  return node.login_changed.length > 0 ? `${node.state}, login changed` : node.state
}

function cells(row: UserRow, gateway: GatewayStatus | undefined): string[] {
  const node = gateway?.nodes[row.name]
  const expires = row.key.state === 'ready' && row.key.expires ? ` until ${row.key.expires.slice(0, 16)}Z` : ''
  return [
    row.name,
    row.node.name,
    row.enabled ? stateText(node) : 'disabled',
    row.macs.map((mac) => `${mac.name} ${mac.quota}`).join(', '),
    `${row.key.state}${expires}`,
    enrolledText[`${row.enrolled}`],
    isolationText[`${row.isolation ?? 'null'}` as keyof typeof isolationText],
  ].map(printable)
}
