import { bytesText } from '../../bytes.ts'
import { isFresh } from '../report/doubts.ts'
import type { MacReport, NodeReport, Report } from '../report/index.ts'
import { backupChart, connectionChart, sizeChart } from './charts.ts'
import { frame, ownLinks } from './frame.ts'
import { type Html, html } from './html.ts'
import { usedText } from './overview.ts'
import { type MacPast, type Past, reach } from './past.ts'
import { problemTable } from './problems.ts'
import { toneOfMac } from './standing.ts'
import { sumLine, sumOfOne } from './sum.ts'
import { ago, connectedText, dateText } from './words.ts'

/**
 * One person: each Mac with its charts, the node, and what changed when.
 * @param isOwn for that person, on a site of their own
 */
export function personPage(report: Report, node: NodeReport, past: Past, now: number, isOwn = false): string {
  const { at } = report
  const macs = report.macs.filter(({ user }) => user === node.user)
  const up = isOwn ? undefined : html`<nav aria-label="Up"><a href="/">${report.workspace}</a></nav>`
  const sum = sumLine(sumOfOne(report, node, now), !isFresh(report, now))
  const head = html`${up}<h1>${node.user}</h1>${sum}`
  const main = html`${macs.map((mac) => macSection(mac, past.macs[mac.mac], at))}${nodeSection(node, past, at)}${events(past)}`
  if (isOwn) return frame(report, now, `Backups of ${node.user}`, head, main, ownLinks)
  return frame(report, now, `${node.user} · ${report.workspace}`, head, main)
}

const fact = (name: string, value: Html | string) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`

function macSection(one: MacReport, past: MacPast | undefined, now: number): Html {
  const { mac, state, reason, since, problems, lastSuccess, seen, snapshots, quotaBytes, verified } = one
  const used = seen?.usedBytes ?? null
  const newest = snapshots.at(-1)
  const oldest = snapshots[0]
  // The table of problems says why.
  const why = problems.length > 0 ? undefined : html`<p>${reason}</p>`
  return html`<section aria-labelledby="mac-${mac}" class="${toneOfMac(one)}"><h2 id="mac-${mac}">${mac} <span class="tag">${state}</span></h2>
<div class="box">${why}${problemTable(problems, now, `Problems of ${mac}`)}<dl class="facts">
${fact('Last backup that counts', ago(lastSuccess, now))}${fact('State since', ago(since, now))}
${fact('Used', used === null ? 'not known' : usedText(used, quotaBytes))}
${fact('Last write', ago(seen?.lastWrite ?? null, now))}${fact('Connected', connectedText(one.connection, now))}
${fact('Backups in the Mac’s history', seen?.backups === undefined || seen.backups === null ? 'not known' : String(seen.backups))}
${newest === undefined || oldest === undefined ? undefined : fact('Newest of them', ago(newest, now))}
${fact('Read back', readBack(verified, now))}</dl>
${(seen?.notes ?? []).map((note) => html`<p class="why">${note}</p>`)}
${sizeChart(past?.sizes ?? [], quotaBytes, now - reach.size, now)}${backupChart(past?.backups ?? [], now)}
${snapshotList(snapshots)}</div></section>`
}

/** How much of the bands the disk has given back of late. What was wrong stands among the problems. */
function readBack(verified: MacReport['verified'], now: number): Html | string {
  if (verified === null || verified.at === null) return 'not yet'
  return html`${`${verified.percent} % of ${verified.bands} bands`}, ${ago(verified.at, now)}`
}

function snapshotList(snapshots: readonly number[]): Html | undefined {
  if (snapshots.length === 0) return undefined
  const items = [...snapshots].reverse().map((time) => html`<li>${dateText(time)}</li>`)
  return html`<details><summary>Newest backups, as the Mac dates them (UTC)</summary><ul>${items}</ul></details>`
}

function nodeSection({ problems, seen, user }: NodeReport, past: Past, now: number): Html {
  const path = seen?.path === 'relay' ? 'over a relay' : (seen?.path ?? 'not known')
  const facts = seen
    ? html`${fact('Node', seen.state ?? 'the gateway does not answer')}${fact('Open connections', String(seen.sessions))}
${fact('Path', path)}${fact('From the Macs', bytesText(seen.bytesIn))}${fact('To the Macs', bytesText(seen.bytesOut))}
${fact('Looked at', ago(seen.at, now))}`
    : html`<div><dt>Node</dt><dd>not looked at yet</dd></div>`
  return html`<section aria-labelledby="node"><h2 id="node">Connection</h2><div class="box">
${problemTable(problems, now, `Problems of the node of ${user}`)}<dl class="facts">${facts}</dl>
${connectionChart(past.connections, now - reach.connections, now)}</div></section>`
}

/** A date that breaks before its time of day alone. */
const inTwo = (date: string) => html`<time>${date.slice(0, 10)}</time> <time>${date.slice(11)}</time>`

function events({ events }: Past): Html {
  const rows = events.map(
    ({ at, about, state, reason }) =>
      html`<tr><td>${inTwo(dateText(at))}</td><td>${about === '' ? 'node' : about}</td><td>${state}</td><td>${reason}</td></tr>`,
  )
  const table = html`<div class="scroll stack log" tabindex="0" role="region" aria-label="Changes of state"><table><caption>Changes of state, newest first (UTC)</caption>
<thead><tr><th scope="col">When</th><th scope="col">What</th><th scope="col">State</th><th scope="col">Why</th></tr></thead><tbody>${rows}</tbody></table></div>`
  return html`<section aria-labelledby="events"><h2 id="events">Events</h2><div class="box">${events.length === 0 ? 'None yet.' : table}</div></section>`
}
