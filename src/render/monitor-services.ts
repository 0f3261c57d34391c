import { dueFile } from '../monitor/observation/look.ts'
import { places } from '../monitor/settings.ts'
import { isTelling } from '../resolve/telling.ts'
import type { Deployment } from '../resolve/types.ts'
import type { ImageSource } from './contexts.ts'
import { usersByName } from './marker.ts'
import { statusVolume } from './samba-service.ts'
import { choice, common, imageOf, inMemory, mount, owner, volume } from './service-parts.ts'
import { literal, type YamlMap } from './yaml.ts'

/**
 * What the scanner tells the reporter, in memory and bounded: whoever breaks into the scanner cannot fill a disk. Both
 * look again when they start, so that nothing is lost with it.
 */
export const looksVolume: YamlMap = { looks: inMemory('64m', 64, '0755') }

const looks = (readOnly: boolean) => volume('looks', places.looks, readOnly)

/** Healthy while `find` finds the file so: that costs next to nothing, and is no second program that must be right. */
const healthy = (file: string, ...how: string[]): YamlMap => ({
  healthcheck: {
    test: ['CMD-SHELL', literal(`[ -n "$(find ${[file, ...how].join(' ')})" ]`)],
    interval: '30s',
    timeout: '10s',
    start_period: '2m',
    retries: 3,
  },
})

/**
 * The monitor in two services. `monitor-scanner` reads what people's Macs wrote: all shares, read-only, and no network at all.
 * `monitor` judges and tells: no share, and a network of its own only where somebody is to be told. Nothing waits for
 * either, so that neither can stop a backup.
 */
export function monitorServices(deployment: Deployment, source: ImageSource): YamlMap {
  const tells = isTelling(deployment)
  const { build: _, ...image } = imageOf('monitor', source)
  const labels = { 'tmgen.workspace': deployment.workspace.id }
  return {
    'monitor-scanner': {
      ...imageOf('monitor', source),
      ...common,
      entrypoint: ['node', '/usr/lib/tmgen/scanner.cjs'],
      network_mode: 'none',
      // Shares belong to their users alone. To read them, and only that, passes over the mode of a file.
      user: '0:0',
      cap_add: ['DAC_READ_SEARCH'],
      mem_limit: choice('TMGEN_SCANNER_MEMORY', '512m'),
      pids_limit: 64,
      stop_grace_period: '2s',
      ...healthy(`${places.looks}/${dueFile}`, '-newermt', 'now'),
      volumes: [
        mount('./generated/monitor', places.settings, true),
        looks(false),
        mount('./state/monitor/bands', places.bands, true),
        ...usersByName(deployment).flatMap((user) => [
          mount(user.storage, `${places.shares}/${user.name}`, true),
          volume(statusVolume(user), `${places.samba}/${user.name}`, true),
        ]),
      ],
      labels,
    },
    monitor: {
      ...image,
      ...common,
      entrypoint: ['node', '/usr/lib/tmgen/monitor.cjs'],
      user: owner,
      mem_limit: choice('TMGEN_MONITOR_MEMORY', '512m'),
      pids_limit: 64,
      stop_grace_period: '15s',
      // It reports once a minute.
      ...healthy(`${places.state}/report.json`, '-mmin', '-5'),
      volumes: [
        mount('./generated/monitor', places.settings, true),
        looks(true),
        mount('./state/status', places.gateway, true),
        mount('./state/monitor', places.state, false),
        mount('./state/page', places.page, false),
        ...(tells ? [mount('./secrets/monitor', places.secrets, true)] : []),
      ],
      ...(tells ? { networks: { alerts: {} } } : { network_mode: 'none' }),
      labels,
    },
  }
}
