import { few } from '../../few.ts'
import { doesArrive, isBlind, isFresh } from '../report/doubts.ts'
import type { NodeReport, Report } from '../report/index.ts'
import { span } from '../rules/index.ts'
import { type Html, html } from './html.ts'
import { type Person, peopleOf, type Standing, standings } from './standing.ts'
import { isTrouble, type Tone, toneOf, worst } from './words.ts'

/** Whether somebody has to do something, in a sentence without a full stop: the whole answer. */
export interface Sum {
  text: string
  tone: Tone
}

const alone: Record<Standing, string> = {
  trouble: 'The backups need attention',
  none: 'There is no backup yet',
  partly: 'A Mac has no backup yet',
  away: 'A Mac is away',
  untold: 'The backups are not watched',
  well: 'The backups are well',
}
/** What is said of one of several people, and of more of them. */
const among: Record<Standing, readonly [one: string, more: string]> = {
  trouble: ['needs attention', 'need attention'],
  none: ['has no backup yet', 'have no backup yet'],
  partly: ['has a Mac without a backup yet', 'have a Mac without a backup yet'],
  away: ['has a Mac that is away', 'have a Mac that is away'],
  untold: ['is not watched', 'are not watched'],
  well: ['is well', 'are well'],
}

/**
 * The answer for everybody. `well` is who is known to have a backup that is fresh enough, of each Mac, and whose monitor
 * would tell; what is not known is never well.
 * @param now ms since 1970: the report may be old by then
 */
export function sumOf(report: Report, now: number): Sum {
  if (!isFresh(report, now)) return { text: `Not known: no report for ${span(now - report.at)}`, tone: 'alarm' }
  const { at, lookedAt } = report
  if (lookedAt !== null && isBlind(report, at))
    return { text: `Not known: nobody has looked at the shares for ${span(at - lookedAt)}`, tone: 'alarm' }
  const people = peopleOf(report)
  const mute = report.channels.filter((way) => !doesArrive(way)).map(({ name }) => name)
  const server = toneOf(report.host)
  const about = aboutPeople(people, lookedAt)
  const others = [
    ...(isTrouble(server) ? ['this server needs attention'] : []),
    ...(mute.length > 0 ? [`alerts do not arrive: ${few(mute)}`] : []),
  ]
  const text = `${about.text}${others.length === 0 ? '' : about.tone === 'ok' ? ', but ' : '; '}${others.join('; ')}`
  return { text, tone: worst([about.tone, isTrouble(server) ? server : 'ok', mute.length > 0 ? 'warning' : 'ok']) }
}

/** The answer for one person, to that person or on their page: what it is, also where nobody is told. */
export function sumOfOne(report: Report, node: NodeReport, now: number): Sum {
  const macs = report.macs.filter(({ user }) => user === node.user)
  const own = { ...report, macs, nodes: [{ ...node, told: true }], host: [], channels: [] }
  const { text, tone } = sumOf(own, now)
  return node.told ? { text, tone } : { text: `${text}; nobody is told of problems`, tone: worst([tone, 'note']) }
}

function aboutPeople(people: readonly Person[], lookedAt: number | null): Sum {
  const groups = standings.flatMap((standing) => {
    const number = people.filter((one) => one.standing === standing).length
    return number === 0 ? [] : { standing, number }
  })
  const [first] = groups
  if (!first) return { text: 'No people yet', tone: 'note' }
  if (lookedAt === null && first.standing !== 'trouble')
    return { text: 'Not known yet: nobody has looked at the shares', tone: 'note' }
  const trouble = people.filter(({ standing }) => standing === 'trouble').map(({ tone }) => tone)
  const tone = worst([first.standing === 'well' ? 'ok' : 'note', ...trouble])
  if (people.length === 1) return { text: alone[first.standing], tone }
  if (first.standing === 'well') return { text: `The backups of ${people.length} people are well`, tone }
  const parts = groups.map(({ standing, number }, index) => {
    const of = index === 0 ? ` of ${people.length} people` : ''
    return `${number}${of} ${among[standing][number === 1 ? 0 : 1]}`
  })
  return { text: parts.join('; '), tone }
}

/** The answer as it stands at the top. */
export const sumLine = ({ text, tone }: Sum, isLate: boolean): Html =>
  isLate ? html`<p class="sum ${tone}" role="alert">${text}</p>` : html`<p class="sum ${tone}">${text}</p>`
