import type { GatewayNode, Look } from '../../../src/monitor/observation/index.ts'
import type { ReporterWorld } from '../../../src/monitor/report/reporter.ts'
import type { Settings } from '../../../src/monitor/settings.ts'
import { Ledger } from '../../../src/monitor/verify/ledger.ts'
import { day, minute, policy, type Story } from './timeline.ts'

type Person = Settings['users'][number]

/** Somebody with one Mac, `macbook`, of whom nobody but the operator is told. */
export const person = (name: string, id: string, other: Partial<Person> = {}): Person => ({
  name,
  id,
  storage: `/srv/tm/${name}`,
  macs: ['macbook'],
  quotas: {},
  // The tests of the reporter leave out the looks between: one look in reach is enough.
  policy: { ...policy, online: policy.every },
  tell: { alerts: [], mail: null, ping: false },
  page: null,
  ...other,
})

/** What tmgen tells a monitor that tells nobody. */
export const settingsOf = (other: Partial<Settings> = {}): Settings => ({
  version: 1,
  workspace: { id: '00c0ffee00c0ffee', name: 'tm' },
  host: { every: policy.every, node: 30 * minute, diskFree: 5, remind: 3 * day, keep: 400 * day },
  verify: null,
  alerts: [],
  mail: null,
  ping: false,
  dashboard: null,
  users: [],
  ...other,
})

/** A world in which nothing is seen and nothing is said. */
export const worldOf = (other: Partial<ReporterWorld> = {}): ReporterWorld => ({
  look: async () => undefined,
  handed: async () => [],
  ledgers: {
    ...{ read: () => Ledger.of([]), write: () => true, names: () => [] },
    ...{ remove: () => {}, touch: () => {}, prune: () => {} },
  },
  gateway: async () => ({}),
  secret: async () => undefined,
  fetch: async () => new Response(null, { status: 204 }),
  write: () => {},
  say: () => {},
  ...other,
})

/** A node with which nothing is wrong, and to which nobody is connected. */
export const running: GatewayNode = { state: 'running', key_needed: false, last_error: '', connections: 0, peers: [] }

/** The scanner's look at the one share of somebody's story, at its time. */
export const lookAt = ({ now, share }: Story, user: string): Look => ({
  version: 1,
  at: now,
  disks: [],
  shares: [{ user, mac: 'macbook', share }],
})
