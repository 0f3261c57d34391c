import { isTelling, isTold } from '../resolve/telling.ts'
import type { Deployment } from '../resolve/types.ts'
import { madeBy, markerFile, markerText, usersByName } from './marker.ts'
import { fill } from './template.ts'

/** A directory that a container mounts and that no rendered file makes. Path from the workspace, parents first. */
export interface BindSource {
  path: string
  mode: number
}

/** Where the addresses of the ways lie in which one person is told. */
export const alertsPath = (user: string) => `secrets/monitor/users/${user}`

/**
 * Directories below secrets/ and state/ that must exist before `docker compose up`: mounts use
 * create_host_path: false. All 0700: they hold keys, passwords and node identities.
 */
export function bindSources(deployment: Deployment): BindSource[] {
  const paths = ['secrets', 'secrets/gateway', 'secrets/smb', 'state', 'state/gateway', 'state/status', 'state/monitor']
  paths.push('state/monitor/bands', 'state/page')
  const told = usersByName(deployment).filter(({ tell }) => isTold(tell))
  if (isTelling(deployment)) paths.push('secrets/monitor')
  if (told.length > 0) paths.push('secrets/monitor/users')
  for (const { name } of told) paths.push(alertsPath(name))
  if (deployment.control.provider === 'embedded') paths.push('state/headscale')
  for (const user of usersByName(deployment)) paths.push(`secrets/smb/${user.name}`)
  return paths.map((path) => ({ path, mode: 0o700 }))
}

/** A word that a POSIX shell takes literally, whatever it holds (no NUL). */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9./_:=,+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

/**
 * generated/prepare.sh: what tmgen itself does on a local host, for a server without Node. POSIX sh; checks
 * everything before it makes anything; running it again changes nothing.
 */
export function prepareScript(deployment: Deployment, templates: Readonly<Record<string, string>>): string {
  return fill(templates, 'prepare.sh.hbs', {
    madeBy,
    markerFile,
    storageRoot: shellWord(deployment.storageRoot),
    workspaceId: shellWord(deployment.workspace.id),
    folders: bindSources(deployment).map((b) => ({ path: shellWord(b.path), mode: b.mode.toString(8) })),
    users: usersByName(deployment).map((u) => ({
      name: u.name,
      id: shellWord(u.id),
      uid: u.uid,
      path: shellWord(u.storage),
      marker: shellWord(markerText(deployment, u).trimEnd()),
    })),
  })
}
