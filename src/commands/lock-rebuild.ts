import type { Rebuild } from '../converge/index.ts'
import { TmgenError } from '../errors.ts'
import { table } from '../ui/output.ts'
import { printable } from '../ui/printable.ts'
import { agree } from '../ui/prompts.ts'
import type { Context } from './context.ts'

export interface RebuildOptions {
  yes?: boolean
  json?: boolean
}

/** `tmgen lock rebuild`: tmgen.lock.json out of markers, owners, state and generated/; shown first, and asked for. */
export async function lockRebuild(context: Context, options: RebuildOptions): Promise<undefined> {
  const { ui } = context
  const { rebuild } = await import('../converge/index.ts')
  const found = await rebuild(await context.world(), context.dir, async (planned) => {
    if (!options.json) {
      ui.data(rebuiltTable(planned))
      for (const note of notesOf(planned)) ui.note(printable(note))
    }
    await consent(context, options)
  })
  if (options.json) {
    ui.json(found === undefined ? { written: false } : { written: true, lock: found.lock, notes: notesOf(found) })
    return undefined
  }
  if (found === undefined) ui.say('nothing to do: tmgen.lock.json is whole, and not behind state/')
  else {
    ui.done('wrote tmgen.lock.json')
    ui.say('Next: tmgen plan, which shows what would change by it; then tmgen apply')
  }
  return undefined
}

/** Who gets which numbers, and what tells so. */
function rebuiltTable({ lock, traces, renumbered, fresh }: Rebuild): string {
  const rows = Object.entries(lock.users).map(([id, user]) => {
    const node = Object.values(lock.nodes).find(({ owner }) => owner === id)
    const sources = traces.users.filter((trace) => trace.id === id).map(({ source }) => source)
    const isFresh = fresh.includes(user.name)
    const mark = isFresh || renumbered.includes(id) ? ' (new)' : ''
    return [
      user.name,
      id,
      `${user.uid}${isFresh ? ' (new)' : ''}`,
      `${user.destinations.timemachine.ip}${mark}`,
      `${node?.udpPort}${mark}`,
      isFresh ? 'tmgen.yaml alone' : [...new Set(sources)].join(', '),
    ]
  })
  const header = ['USER', 'ID', 'UID', 'ADDRESS', 'UDP PORT', 'FOUND IN']
  return table(
    header,
    rows.map((row) => row.map(printable)),
  )
}

function notesOf({ notes, parsed, lock, traces }: Rebuild): string[] {
  const wanted = new Set(parsed.config.users.map((user) => user.name))
  const gone = Object.values(lock.users)
    .map((user) => user.name)
    .filter((name) => !wanted.has(name))
  const all = [...notes, ...gone.map((name) => `${name} is not in tmgen.yaml; the numbers are kept`)]
  if (traces.mirror === undefined)
    all.push('state/allocation.json is lost: UIDs of removed users whose data is gone may be dealt again')
  return all
}

async function consent(context: Context, { yes }: RebuildOptions): Promise<void> {
  if (yes) return
  const prompts = await context.prompts()
  if (prompts === undefined)
    throw new TmgenError('usage', '--yes is missing: lock rebuild writes tmgen.lock.json as shown', {
      hint: 'compare the table with what you know, then: tmgen lock rebuild --yes',
    })
  await agree(prompts, 'Write tmgen.lock.json so?')
}
