import { few } from '../few.ts'
import { servedUsers } from '../resolve/nodes.ts'
import { printable } from '../ui/printable.ts'
import type { Context } from './context.ts'
import { look } from './look.ts'

/** 0: isolated, 1: could not look (as for any error), 2: open. */
const exits = { isolated: 0, unseen: 1, open: 2 } as const

/** `tmgen policy check`: rules that are broader than ours, with their line. Writes nothing. */
export async function policyCheck(context: Context, options: { json?: boolean }): Promise<number> {
  const { ui } = context
  const { deployment, observed, notes } = await look(context, 'read')
  for (const note of notes) ui.note(printable(note))
  const { remote } = observed
  if (remote === undefined || deployment.control.provider === 'manual') {
    if (options.json) ui.json({ isolated: null, findings: [], shutOut: [] })
    ui.say(`isolation is not known: ${remote === undefined ? 'the policy was not read' : 'provider manual'}`)
    return exits.unseen
  }
  const { findingText, judgePolicy, shutOut } = await import('../control/index.ts')
  const findings = judgePolicy(remote, deployment)
  const out = shutOut(remote, deployment)
  const isolated = findings.length === 0
  if (options.json) ui.json({ isolated, findings, shutOut: out })
  else for (const finding of findings) ui.data(printable(findingText(finding)))
  if (out.length > 0) ui.note(`no rule lets ${few(out)} in, or not by each login: tmgen policy apply`)
  if (!isolated) {
    ui.say(`open: ${count(findings.length)} in the policy; rules add up, so narrow or remove each`)
    if (findings.some(({ kind }) => kind === 'source'))
      ui.say('autogroup:member instead of * leaves tagged devices out, which the nodes are')
    return exits.open
  }
  ui.say(
    servedUsers(deployment).length > 0
      ? 'isolated: nobody but its user reaches a node, and no node reaches anybody'
      : 'isolated: there is nobody yet',
  )
  return exits.isolated
}

const count = (n: number) => (n === 1 ? '1 rule' : `${n} rules`)
