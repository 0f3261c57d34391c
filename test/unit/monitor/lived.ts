import type { History } from '../../../src/monitor/history/index.ts'
import { type Report, Reporter } from '../../../src/monitor/report/index.ts'
import { lookAt, person, running, settingsOf, worldOf } from './settings.ts'
import { hour, Story } from './timeline.ts'

/** Sixty days of a person's Mac that backs up at noon, with a week's pause at the end. @returns the last report */
export async function lived(history: History, user: string): Promise<Report> {
  const story = new Story().begin('Alice.sparsebundle', 1000)
  let sessions = 0
  let report: Report | undefined
  const reporter = new Reporter(
    history,
    worldOf({
      look: async () => lookAt(story, user),
      gateway: async () => ({
        [user]: {
          ...running,
          connections: sessions,
          bytes_in: 5000,
          peers: sessions === 0 ? [] : [{ path: 'direct', connections: sessions }],
        },
      }),
    }),
  )
  const settings = settingsOf({ users: [person(user, 'u1', { quotas: { macbook: 2 ** 34 } })] })
  for (let hours = 0; hours < 60 * 24; hours += 6) {
    story.now += 6 * hour
    const isOn = hours < 53 * 24 && (hours / 6) % 4 === 1
    sessions = isOn ? 1 : 0
    if (isOn) story.complete()
    report = await reporter.round(settings, story.now)
  }
  return report!
}
