import type { MacReport, NodeReport, Report } from '../report/index.ts'
import { isTrouble, type Tone, toneOf, worst } from './words.ts'

/**
 * How one person does, worst first; it is the order of the cards.
 * - trouble: something is wrong of which somebody is told
 * - none, partly: none of the Macs, or not each of them, has a backup, and that is not yet overdue
 * - away: a Mac has no backup for long, and that it was hardly in reach explains it
 * - untold: nobody is told of this person, whatever is wrong
 */
export const standings = ['trouble', 'none', 'partly', 'away', 'untold', 'well'] as const
export type Standing = (typeof standings)[number]

export interface Person {
  name: string
  macs: MacReport[]
  node: NodeReport
  tone: Tone
  standing: Standing
}

/** A Mac without a backup is not well, also where nothing is wrong with that yet. */
export const toneOfMac = ({ problems, lastSuccess }: MacReport): Tone =>
  worst([toneOf(problems), lastSuccess === null ? 'note' : 'ok'])

function standingOf(node: NodeReport, macs: readonly MacReport[], tone: Tone): Standing {
  if (!node.told) return 'untold'
  if (isTrouble(tone)) return 'trouble'
  const without = macs.filter(({ lastSuccess }) => lastSuccess === null).length
  if (without > 0 || macs.length === 0) return without === macs.length ? 'none' : 'partly'
  return macs.some(({ state }) => state === 'away') ? 'away' : 'well'
}

/** Everybody: the worst first, alarms before warnings. */
export function peopleOf({ macs, nodes }: Pick<Report, 'macs' | 'nodes'>): Person[] {
  const people = nodes.map((node): Person => {
    const own = macs.filter(({ user }) => user === node.user)
    const tone = worst([toneOf(node.problems), ...own.map(toneOfMac)])
    return { name: node.user, macs: own, node, tone, standing: standingOf(node, own, tone) }
  })
  const rank = ({ tone, standing }: Person) =>
    standing === 'trouble' && tone === 'alarm' ? -1 : standings.indexOf(standing)
  return people.sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name, 'en'))
}
