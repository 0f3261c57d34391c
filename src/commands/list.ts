import type { BroaderRule } from '../control/index.ts'
import type { Inspection } from '../converge/index.ts'
import { few } from '../few.ts'
import { type GatewayStatus, gatewayStatus } from '../stack/gateway-status.ts'
import { gatewayNotes, nodeNotes, stateText } from '../stack/node-notes.ts'
import { table } from '../ui/output.ts'
import { printable } from '../ui/printable.ts'
import type { Context } from './context.ts'
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
    ui.note(printable(`policy open for ${few(reaches)}: ${text}${where}`))
  }
  const { unsignedFix } = await import('../converge/index.ts')
  for (const node of observed.remote?.nodes ?? [])
    if (node.unsigned && deployment.users.some((user) => node.tags.includes(user.tag)))
      ui.note(printable(`${node.hostname} is not signed, tailnet lock keeps it out: ${unsignedFix(node)}`))
  for (const row of rows)
    for (const text of nodeNotes(row.name, gateway?.nodes[row.name]))
      ui.note(printable(`${row.node.hostname}: ${text}`))
  for (const text of gatewayNotes(gateway)) ui.note(printable(text))
  return undefined
}

/** Rules that let others in; `undefined` where the policy cannot be read. */
async function broader({ deployment, observed }: Inspection): Promise<BroaderRule[] | undefined> {
  if (!observed.remote || deployment.control.provider === 'manual') return undefined
  const { broaderRules } = await import('../control/index.ts')
  const { policy, nodes, features } = observed.remote
  return broaderRules(policy?.text, deployment, nodes, features)
}

const header = ['USER', 'NODE', 'STATE', 'MACS', 'KEY', 'ENROLLED', 'ISOLATION']
const enrolledText = { true: 'yes', false: 'no', null: 'unknown' } as const
const isolationText = { closed: 'closed', open: 'policy open', null: 'unknown' } as const

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
