import { join } from 'node:path'
import { routesOf, secretOf, watchesOf } from '../monitor/report/routes.ts'
import { monitorSettings } from '../render/monitor-settings.ts'
import type { Deployment } from '../resolve/types.ts'
import type { World } from '../world.ts'

/** Files below secrets/monitor/ without which a way that tmgen.yaml names tells nobody, by their path from there. */
export async function missingAlertFiles(world: World, dir: string, deployment: Deployment): Promise<string[]> {
  const settings = monitorSettings(deployment)
  const routes = routesOf(settings)
  const wanted = new Set([
    ...routes.flatMap(({ kind, to }) => (kind === 'mail' ? [] : secretOf(kind, 'user' in to ? to.user : undefined))),
    ...(routes.some(({ kind }) => kind === 'mail') && settings.mail?.account ? ['mail-password'] : []),
    ...watchesOf(settings).map(({ user }) => secretOf('ping', user)),
  ])
  const missing: string[] = []
  for (const file of wanted) {
    const entry = await world.disk.stat(join(dir, 'secrets/monitor', file))
    if (entry?.kind !== 'file' || entry.size === 0) missing.push(`secrets/monitor/${file}`)
  }
  return missing
}
