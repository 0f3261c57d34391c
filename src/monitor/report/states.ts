import { z } from 'zod'
import type { History } from '../history/index.ts'
import { type MacReport, macStates, type Report } from './report.ts'

/** A change of how a Mac, a node or the server does. */
export interface StateChange {
  /** ms since 1970: when it was noticed. */
  at: number
  state: MacReport['state']
  reason: string
}

const bodySchema = z.object({ state: z.enum(macStates) })
const latestSchema = z.object({ reason: z.string() })

/** The state of each that was kept last, by what it is about. */
const keptSchema = z.record(z.string(), z.string()).catch({})

/** Keeps each change of a state as a row of the history: what the page shows as events. */
export function keepStates(
  history: History,
  { macs, nodes, host }: Pick<Report, 'macs' | 'nodes' | 'host'>,
  now: number,
) {
  const before = new Map(Object.entries(keptSchema.parse(history.remembered('states'))))
  const after = new Map<string, string>()
  const keep = (about: string, state: string, reason: string) => {
    after.set(about, state)
    if (before.get(about) !== state) history.record(`state:${about}`, now, { state }, { reason })
  }
  for (const one of macs) {
    const state = rested(one)
    keep(`${one.user}/${one.mac}`, state, state === 'ok' ? '' : one.reason)
  }
  for (const { user, problems } of nodes) keep(user, problems[0]?.kind ?? 'ok', problems[0]?.reason ?? '')
  keep('', host[0]?.kind ?? 'ok', host[0]?.reason ?? '')
  history.remember('states', Object.fromEntries(after))
}

/** Backups run each hour, and that is no news. */
function rested({ state, lastSuccess }: MacReport): MacReport['state'] {
  if (state !== 'running') return state
  return lastSuccess === null ? 'waiting' : 'ok'
}

/**
 * Changes of one Mac (`USER/MAC`), one person's node (`USER`) or the server (`''`), newest first.
 * @param most how many
 */
export function stateChanges(history: History, about: string, most: number): StateChange[] {
  const runs = history.runs(`state:${about}`, 0, most)
  return runs.reverse().flatMap(({ first, body, latest }) => {
    const state = bodySchema.safeParse(body).data?.state
    return state ? [{ at: first, state, reason: latestSchema.safeParse(latest).data?.reason ?? '' }] : []
  })
}
