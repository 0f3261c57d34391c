import { bytesText } from '../../bytes.ts'
import { few } from '../../few.ts'
import { isFresh, wayFault } from '../report/doubts.ts'
import type { MacReport, Report } from '../report/index.ts'
import { shortDays } from './days.ts'
import { frame } from './frame.ts'
import { type Html, html } from './html.ts'
import { quotaBar, timeline } from './marks.ts'
import { problemTable } from './problems.ts'
import { type Person, peopleOf, toneOfMac } from './standing.ts'
import { sumLine, sumOf } from './sum.ts'
import { ago } from './words.ts'

/** Everybody: who needs attention first, a card a person. */
export function overviewPage(report: Report, now: number): string {
  const people = peopleOf(report)
  const trouble = people.filter(({ standing }) => standing === 'trouble')
  const others = people.filter(({ standing }) => standing !== 'trouble')
  const isServerFirst = report.host.length + report.notes.length + report.channels.flatMap(faultOf).length > 0
  const [first, last] = isServerFirst ? [server(report), undefined] : [undefined, server(report)]
  const rest = cards(trouble.length > 0 ? 'All others' : 'Everybody', others, report.at)
  const main = html`${first}${cards('Needs attention', trouble, report.at)}${rest}${last}`
  const sum = sumOf(report, now)
  const off =
    report.channels.length > 0 ? undefined : html`<p class="soft">Alerts are off: nobody is told of problems.</p>`
  const head = html`<h1>${report.workspace}</h1>${sumLine(sum, !isFresh(report, now))}${off}`
  return frame(report, now, `${sum.text} · ${report.workspace}`, head, main)
}

const faultOf = (way: Report['channels'][number]) => wayFault(way) ?? []

/** What of the server somebody should know. */
function server({ host, disks, channels, notes, at }: Report): Html {
  const free = ({ totalBytes, freeBytes }: Report['disks'][number]) =>
    totalBytes > 0 ? `${bytesText(freeBytes)} of ${bytesText(totalBytes)} free` : 'not known'
  return html`<section aria-labelledby="server"><h2 id="server">This server</h2><div class="box">
${problemTable(host, at, 'Problems of this server')}
<dl class="facts wide">${disks.map((disk) => html`<div><dt>${nameOf(disk)}</dt><dd>${free(disk)}</dd></div>`)}
<div><dt>Alerts</dt><dd>${channels.length === 0 ? 'off: nobody is told' : channels.map(({ name }) => name).join(', ')}</dd></div></dl>
${channels.flatMap(faultOf).map((fault) => html`<p class="why">${fault}</p>`)}
${notes.map((note) => html`<p class="why">${note}</p>`)}</div></section>`
}

/** By whose shares lie on it: its path is that of one of them. */
const nameOf = ({ path, people }: Report['disks'][number]) => (people.length === 0 ? path : `Disk of ${few(people)}`)

function cards(title: string, people: readonly Person[], now: number): Html | undefined {
  if (people.length === 0) return undefined
  return html`<section><h2>${title} (${people.length})</h2>
<p class="soft key">Bar: used of the quota. Marks: days with a backup, of the last ${shortDays}.</p><ul class="cards">${people.map((person) => card(person, now))}</ul></section>`
}

function card({ name, macs, node, tone }: Person, now: number): Html {
  const { seen, problems, told } = node
  const link =
    !seen || seen.state === null
      ? 'connection not known'
      : seen.sessions > 0
        ? `connected${seen.path === 'relay' ? ' over a relay' : seen.path === 'direct' ? ', direct' : ''}`
        : 'not connected'
  return html`<li class="card ${tone}"><h3><a href="/users/${name}">${name}</a></h3><p class="soft">${link}${told ? '' : '; not watched: nobody is told of problems'}</p>
${problems.map(({ reason }) => html`<p class="why">${reason}</p>`)}${macs.map((mac) => macPart(mac, now))}</li>`
}

function macPart(one: MacReport, now: number): Html {
  const { mac, state, reason, lastSuccess, snapshots, seen, quotaBytes } = one
  const used = seen?.usedBytes ?? null
  // When the last one was, or that there is none, is said anyway: the reason would repeat it.
  const why = state === 'ok' || state === 'waiting' ? undefined : html`<p class="why">${reason}</p>`
  const size = used === null ? undefined : html`, ${usedText(used, quotaBytes)}`
  const last = lastSuccess === null ? 'no backup yet' : html`last backup ${ago(lastSuccess, now)}`
  return html`<div class="mac ${toneOfMac(one)}"><h4>${mac} <span class="tag">${state}</span></h4>${why}
<p class="soft">${last}${size}</p>
${used === null || quotaBytes === null ? undefined : quotaBar(used, quotaBytes)}${timeline(snapshots, now)}</div>`
}

/** `310G of 1T`. */
export const usedText = (used: number, quota: number | null) =>
  quota === null ? bytesText(used) : `${bytesText(used)} of ${bytesText(quota)}`
