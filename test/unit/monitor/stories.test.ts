import { describe, expect, test } from 'vitest'
import { advance } from '../../../src/monitor/rules/index.ts'
import { day, hour, minute, policy, Story, start } from './timeline.ts'

/** Backs up every four hours, as a Mac does that stays on. */
const daily = (story: Story) => {
  if ((story.now - start) % (4 * hour) === 0) story.complete()
}

// Each story as what is shown over time, a line a change: read a golden file as the monitor's own account of it.
const stories: Record<string, (story: Story) => void> = {
  'a first backup, and then each day': (story) => {
    story.look()
    story
      .pass(hour)
      .begin()
      .pass(20 * hour, { each: (one) => one.write() })
    story.complete().pass(3 * day, { each: daily })
  },
  'a Mac that never begins': (story) => void story.pass(9 * day, { step: hour }),
  'a first backup that is never complete': (story) => void story.begin().pass(9 * day, { each: (one) => one.write() }),
  'time machine is switched off on a Mac that stays in reach': (story) => {
    story.begin().complete().look()
    story.pass(8 * day)
    story.complete().pass(day, { each: daily })
  },
  'a laptop in a drawer for three weeks, then back without a backup, then with one': (story) => {
    story.begin().complete().look()
    story.present = false
    story.pass(21 * day)
    story.present = true
    story.pass(day)
    story.complete().pass(hour)
  },
  'a laptop in a drawer for two months': (story) => {
    story.begin().complete().look()
    story.present = false
    story.pass(60 * day, { step: hour })
  },
  'nobody can say whether the Mac is in reach': (story) => {
    story.begin().complete().look()
    story.present = null
    story.pass(5 * day)
  },
  'nobody can say it for four days, and then the Mac is in reach for a while, again and again': (story) => {
    story.begin().complete().look()
    story.present = null
    story.pass(4 * day)
    for (let times = 0; times < 3; times++) {
      story.present = true
      story.pass(hour / 2)
      story.present = times === 1 ? null : false
      story.pass(day)
    }
  },
  'a laptop that is away comes back for an hour a day: nothing is told to and fro': (story) => {
    story.begin().complete().look()
    for (let times = 0; times < 12; times++) {
      story.present = false
      story.pass(23 * hour)
      story.present = true
      story.pass(hour)
    }
    story.complete().pass(hour)
  },
  'a laptop is away, and the gateway silent for an hour': (story) => {
    story.begin().complete().look()
    story.present = false
    story.pass(4 * day)
    story.present = null
    story.pass(hour)
    story.present = false
    story.pass(2 * day)
  },
  'the gateway is silent, and so nobody reaches anything': (story) => {
    story.begin().complete().look()
    story.present = null
    story.pass(4 * day)
    story.present = true
    story.complete().pass(hour)
  },
  'this server was off for four days': (story) => {
    story.begin().complete().look()
    story.now += 4 * day
    story.judge()
    story.pass(2 * hour)
    story.complete().pass(hour)
  },
  'this server was off for four days, and a Mac in reach does not go on': (story) => {
    story.begin().complete().look()
    story.now += 4 * day
    story.judge()
    story.pass(day)
  },
  'a laptop that is hardly there writes each day and completes nothing': (story) => {
    story.begin().complete().look()
    for (let times = 0; times < 5; times++) {
      story.present = false
      story.pass(20 * hour)
      story.present = true
      story.write().pass(hour)
    }
  },
  'backups that fail: written, and never complete': (story) => {
    story.begin().complete().look()
    story.pass(5 * day, { each: (one) => (one.now % hour === 0 ? one.write() : undefined) })
    story.complete().pass(hour)
  },
  'the Mac finds its backup damaged, and repairs it': (story) => {
    story.begin().complete().look()
    story.edit({ verification: 2 }).pass(hour).edit({ verification: 1 }).pass(hour)
  },
  'the bundle is deleted, and begun anew': (story) => {
    story.begin().complete().look()
    story.share = { outcome: 'seen', bundles: [], notes: [] }
    story.pass(2 * day)
    story
      .begin('Alice 1.sparsebundle.incomplete')
      .pass(hour)
      .complete()
      .pass(10 * day, { each: daily })
  },
  'the share itself goes, with a disk that is not mounted, and comes back': (story) => {
    story.begin().complete().look()
    const { share } = story
    story.share = { outcome: 'absent' }
    story.pass(hour)
    story.share = share
    story.pass(hour)
  },
  'half of the bands go': (story) => {
    story.begin(undefined, 1000).complete().look()
    story.write(-500).pass(9 * day, { each: daily })
  },
  'a few bands go each day, as Time Machine frees them': (story) => {
    story.begin(undefined, 1000).complete().look()
    story.pass(30 * day, {
      step: hour,
      each: (one) => {
        if ((one.now - start) % day === 0) one.write(-20)
        daily(one)
      },
    })
  },
  'token, band size and machine change': (story) => {
    story.begin().complete().look()
    story.edit({ token: 'f'.repeat(16) }).pass(hour, { each: daily })
    story
      .edit({ bandSize: 4096 })
      .pass(hour)
      .edit({ machine: 'e'.repeat(16) })
      .pass(8 * day, { each: daily })
  },
  'the history tells of backups, and no band is written': (story) => {
    story.begin().complete().look()
    story.pass(5 * day, { each: (one) => (one.now % hour === 0 ? one.claim(one.now) : undefined) })
  },
  'backups dated a year ahead': (story) => {
    story.begin().complete().look()
    story.pass(5 * day, { each: (one) => (one.now % hour === 0 ? one.complete(365 * day) : undefined) })
  },
  'a clock that is three hours ahead, or behind, changes nothing': (story) => {
    story.begin().complete().look()
    for (const skew of [3 * hour, -3 * hour])
      story.pass(5 * day, { each: (one) => ((one.now - start) % (4 * hour) === 0 ? one.complete(skew) : undefined) })
  },
  'a clock at 2001 is believed of the first backup alone': (story) => {
    story
      .begin()
      .complete(Date.parse('2001-01-01') - start)
      .look()
    story.pass(5 * day, {
      each: (one) => (one.now % (4 * hour) === 0 ? one.complete(Date.parse('2001-01-01') - start) : undefined),
    })
  },
  'a history that is half-written for a moment, and one that stays so': (story) => {
    story.begin().complete().look()
    const broken = { listed: null, completed: [], notes: ['Alice.sparsebundle/history: cut short'] }
    const sound = { listed: 1, completed: story.bundle.completed, notes: [] }
    story
      .edit(broken)
      .pass(10 * minute)
      .edit(sound)
      .pass(hour)
      .edit(broken)
      .pass(hour)
      .edit(sound)
      .pass(hour)
  },
  'the share cannot be looked at for a while': (story) => {
    story.begin().complete().look()
    const { share } = story
    story.share = { outcome: 'unreadable', cause: 'looking at it took longer than 20 s' }
    story.pass(hour)
    story.share = share
    story.pass(hour)
  },
  'the monitor does not look': (story) => {
    story.begin().complete().look()
    for (let index = 0; index < 12; index++) {
      story.now += 5 * minute
      story.judge()
    }
    story.pass(10 * minute)
  },
  'the clock of the server was a day ahead, and is set': (story) => {
    story.begin().complete().pass(day, { each: daily })
    story.now -= day
    story.pass(5 * day, { each: daily })
  },
}

describe('stories', () => {
  test.each(Object.entries(stories))('%s', async (name, tell) => {
    const story = new Story()
    tell(story)
    await expect(`${story.lines.join('\n')}\n`).toMatchFileSnapshot(`golden/${name.replace(/[^a-z0-9]+/gi, '-')}.txt`)
  })
})

test('what is remembered follows from the looks alone: told again, they give the same', () => {
  for (const tell of Object.values(stories)) {
    const story = new Story()
    tell(story)
    const again = story.looks.reduce<typeof story.memory>(
      (memory, { look, present }) => advance(memory, look, { every: policy.every, present }),
      undefined,
    )
    expect(again).toEqual(story.memory)
  }
})
