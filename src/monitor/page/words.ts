import { count } from '../../count.ts'
import type { Report } from '../report/index.ts'
import type { Severity } from '../rules/index.ts'
import { span } from '../rules/problems.ts'
import { type Html, html } from './html.ts'

/** How something does, at a glance. */
export type Tone = Severity | 'ok'

const ranks: readonly Tone[] = ['ok', 'note', 'warning', 'alarm']
export const worst = (tones: readonly Tone[]): Tone =>
  tones.reduce<Tone>((one, other) => (ranks.indexOf(other) > ranks.indexOf(one) ? other : one), 'ok')
export const toneOf = (problems: Report['host']): Tone => worst(problems.map(({ severity }) => severity))
/** Whether somebody has to do something. */
export const isTrouble = (tone: Tone) => tone === 'alarm' || tone === 'warning'

/** `2026-03-05 01:00`, UTC. */
export const dateText = (time: number) => new Date(time).toISOString().slice(0, 16).replace('T', ' ')

/** A time as its age, the date with it; `never` where there is none. */
export function ago(time: number | null, now: number): Html {
  if (time === null) return html`never`
  const age = now - time < 60_000 ? 'just now' : `${span(now - time)} ago`
  return html`<time datetime="${dateText(time)}Z" title="${dateText(time)} UTC">${age}</time>`
}

/** Since when a Mac is connected. */
export function connectedText(connection: Report['macs'][number]['connection'], now: number): Html | string {
  if (connection === null) return 'not known'
  const { sessions, since, openFiles } = connection
  if (sessions === 0 || since === null) return 'no'
  return html`since ${ago(since, now)}${sessions > 1 ? `, ${sessions} times` : ''}; ${count(openFiles, 'open file')}`
}
