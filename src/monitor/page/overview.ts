import { bytesText } from '../../bytes.ts'
import type { MacReport, NodeReport, Report } from '../report/index.ts'
import { shortDays } from './days.ts'
import { frame } from './frame.ts'
import { type Html, html } from './html.ts'
import { quotaBar, timeline } from './marks.ts'
import { problemTable } from './problems.ts'
import { ago, count, isTrouble, type Tone, toneOf, worst } from './words.ts'

interface Person {
  name: string
  macs: MacReport[]
  node: NodeReport | undefined
  tone: Tone
  /** Something is wrong of which somebody is told. */
  isTrouble: boolean
}

/** Everybody: who needs attention first, a card a person. */
export function overviewPage(report: Report, now: number): string {
  const people = peopleOf(report)
  const trouble = people.filter((person) => person.isTrouble)
  const well = people.filter((person) => !person.isTrouble)
  const tone = worst([toneOf(report.host), ...trouble.map((person) => person.tone)])
  const shown = isTrouble(tone) ? tone : 'ok'
  const isServerFirst = report.host.length + report.notes.length + report.channels.filter(isFailing).length > 0
  const [first, last] = isServerFirst ? [server(report), undefined] : [undefined, server(report)]
  const rest = cards(trouble.length > 0 ? 'All others' : 'Everybody', well, report.at)
  const main = html`${first}${cards('Needs attention', trouble, report.at)}${rest}${last}`
  const title = `${sumOf(report, people.length, trouble.length)} · ${report.workspace}`
  const head = html`<h1>${report.workspace}</h1><p class="sum ${shown}">${sumOf(report, people.length, trouble.length)}</p>`
  return frame(report, now, title, head, main)
}

function sumOf({ host }: Report, people: number, trouble: number): string {
  const own = host.filter(({ severity }) => isTrouble(severity)).length
  if (trouble > 0) return `${trouble} of ${count(people, 'person', 'people')} need${trouble === 1 ? 's' : ''} attention`
  return own > 0
    ? 'This server needs attention'
    : people === 1
      ? 'The backups are well'
      : `The backups of ${people} people are well`
}

function peopleOf({ macs, nodes }: Report): Person[] {
  const people = nodes.map((node): Person => {
    const own = macs.filter(({ user }) => user === node.user)
    const tone = worst([toneOf(node.problems), ...own.map(({ problems }) => toneOf(problems))])
    return { name: node.user, macs: own, node, tone, isTrouble: node.told && isTrouble(tone) }
  })
  const rank = ({ tone, isTrouble }: Person) => (!isTrouble ? 2 : tone === 'alarm' ? 0 : 1)
  return people.sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name, 'en'))
}

const isFailing = ({ error, lost }: Report['channels'][number]) => error !== '' || lost > 0

/** What of the server somebody should know. */
function server({ host, disks, channels, notes, at }: Report): Html {
  const free = ({ totalBytes, freeBytes }: Report['disks'][number]) =>
    totalBytes > 0 ? `${bytesText(freeBytes)} of ${bytesText(totalBytes)} free` : 'not known'
  const failing = channels.filter(isFailing)
  return html`<section aria-labelledby="server"><h2 id="server">This server</h2><div class="box">
${problemTable(host, at, 'Problems of this server')}
<dl class="facts wide">${disks.map((disk) => html`<div><dt>${disk.path}</dt><dd>${free(disk)}</dd></div>`)}
<div><dt>Alerts</dt><dd>${channels.length === 0 ? 'off: nobody is told' : channels.map(({ name }) => name).join(', ')}</dd></div></dl>
${failing.map(({ name, error, waiting, lost }) => html`<p class="why">${name}: ${error || 'alerts were given up'} (${waiting} wait, ${lost} given up)</p>`)}
${notes.map((note) => html`<p class="why">${note}</p>`)}</div></section>`
}

function cards(title: string, people: readonly Person[], now: number): Html | undefined {
  if (people.length === 0) return undefined
  return html`<section><h2>${title} (${people.length})</h2>
<p class="soft key">Bar: used of the quota. Marks: days with a snapshot, of the last ${shortDays}.</p><ul class="cards">${people.map((person) => card(person, now))}</ul></section>`
}

function card({ name, macs, node, tone }: Person, now: number): Html {
  const seen = node?.seen
  const link =
    !seen || seen.state === null
      ? 'connection not known'
      : seen.sessions > 0
        ? `connected${seen.path === 'relay' ? ' over a relay' : seen.path === 'direct' ? ', direct' : ''}`
        : 'not connected'
  const troubles = node?.problems ?? []
  return html`<li class="card ${tone}"><h3><a href="/users/${name}">${name}</a></h3><p class="soft">${link}${node?.told === false ? '; nobody is told of problems' : ''}</p>
${troubles.map(({ reason }) => html`<p class="why">${reason}</p>`)}${macs.map((mac) => macPart(mac, now))}</li>`
}

function macPart(one: MacReport, now: number): Html {
  const { mac, state, reason, problems, lastSuccess, snapshots, seen, quotaBytes } = one
  const used = seen?.usedBytes ?? null
  // What is fine says of itself when it was: the reason would repeat it.
  const why = state === 'ok' ? undefined : html`<p class="why">${reason}</p>`
  const size = used === null ? undefined : html`, ${usedText(used, quotaBytes)}`
  return html`<div class="mac ${toneOf(problems)}"><h4>${mac} <span class="tag">${state}</span></h4>${why}
<p class="soft">${ago(lastSuccess, now)}${size}</p>
${used === null || quotaBytes === null ? undefined : quotaBar(used, quotaBytes)}${timeline(snapshots, now)}</div>`
}

/** `310G of 1T`. */
export const usedText = (used: number, quota: number | null) =>
  quota === null ? bytesText(used) : `${bytesText(used)} of ${bytesText(quota)}`
