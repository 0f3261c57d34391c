import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { History } from '../../../src/monitor/history/index.ts'
import { enter, recall } from '../../../src/monitor/ledger.ts'
import { day, hour, minute, policy, Story, start } from './timeline.ts'

let folder: string
let history: History
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tmgen-ledger-'))
  history = new History(join(folder, 'history.sqlite'), { onLoss: (why) => expect.fail(why) })
})
afterEach(() => {
  history.close()
  rmSync(folder, { recursive: true, force: true })
})

const { every } = policy
const recalled = () => recall(history, 'alice', 'macbook', every)

/** Two days of a Mac: it backs up, is away for a while, and then only writes. */
function tell(): Story {
  const story = new Story().begin().complete()
  story.look()
  story.pass(12 * hour, { each: (one) => (one.now % (4 * hour) === 0 ? one.complete() : undefined) })
  story.present = false
  story.pass(6 * hour)
  story.present = true
  story.pass(day + 5 * hour, { each: (one) => (one.now % hour === 0 ? one.write() : undefined) })
  // A backup that writes other bands than the first: Samba alone tells.
  story.open = true
  story.pass(hour, {
    each: (one) => {
      one.wrote = Math.min(one.now, start + 2 * day - 10 * minute)
    },
  })
  history.together(() => {
    for (const { look, present } of story.looks) enter(history, 'alice', 'macbook', look, { every, present })
  })
  return story
}

test('what is remembered is what the looks give, and looks that saw the same take one row', () => {
  const { memory, looks } = tell()
  expect(recalled()).toEqual(memory)
  expect(looks.length).toBe((2 * day) / (5 * minute) + 1)
  expect(history.runs('mac:alice/macbook').length).toBeLessThan(60)
})

test.each([
  ['lost', null],
  ['of another version', { version: 99 }],
])('where what is remembered is %s, it is made anew out of the history, and is the same', (_name, left) => {
  const { memory } = tell()
  history.remember('mac:alice/macbook', left)
  expect(recalled()).toEqual(memory)
})

test('days in reach without a backup are as many out of the history, however many looks that were', () => {
  const story = new Story().begin().complete()
  story.look()
  story.pass(8 * day)
  const look = story.looks[0]!.look
  enter(history, 'alice', 'macbook', look, { every, present: true })
  const { share, open, wrote } = look
  // As one look after the other would, faster.
  history.together(() => {
    for (const { look } of story.looks.slice(1))
      history.record('mac:alice/macbook', look.at, { share, open, wrote, present: true })
  })
  history.remember('mac:alice/macbook', null)
  expect(history.runs('mac:alice/macbook')).toMatchObject([{ looks: 2305 }])
  expect(recalled()?.reach).toBe(8 * day)
})

test('looks of a monitor that did not ask Samba count as ever', () => {
  const { share, memory } = new Story().begin().complete().pass(policy.every)
  history.record('mac:alice/macbook', start + policy.every, { share, open: null, present: true })
  expect(recalled()?.success).toEqual(memory?.success)
})

test('nothing is known of a Mac that was never looked at', () => expect(recalled()).toBeUndefined())
