import type { Settings } from '../../../src/monitor/settings.ts'
import { day, minute, policy } from './timeline.ts'

type Person = Settings['users'][number]

/** Somebody with one Mac, `macbook`, of whom nobody but the operator is told. */
export const person = (name: string, id: string, other: Partial<Person> = {}): Person => ({
  name,
  id,
  storage: `/srv/tm/${name}`,
  macs: ['macbook'],
  quotas: {},
  policy,
  tell: { alerts: [], mail: null, ping: false },
  ...other,
})

/** What tmgen tells a monitor that tells nobody. */
export const settingsOf = (other: Partial<Settings> = {}): Settings => ({
  version: 1,
  workspace: { id: '00c0ffee00c0ffee', name: 'tm' },
  host: { every: policy.every, node: 30 * minute, diskFree: 5, remind: 3 * day, keep: 400 * day },
  alerts: [],
  mail: null,
  ping: false,
  users: [],
  ...other,
})
