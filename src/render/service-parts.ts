import type { ImageSource } from './contexts.ts'
import { literal, type YamlMap } from './yaml.ts'

/** A variable that a person may set in .env. */
export const choice = (name: string, fallback: string) => `\${${name}:-${fallback}}`
/** A variable without which nothing may start. */
export const required = (name: string) => `\${${name}:?is not set in .env}`
/** Who the gateway and Headscale run as. */
export const owner = `${required('TMGEN_UID')}:${required('TMGEN_GID')}`

/** What every service has; logging and limits take a person's choice from .env. */
export const common = {
  restart: 'unless-stopped',
  init: true,
  read_only: true,
  cap_drop: ['ALL'],
  security_opt: ['no-new-privileges:true'],
  logging: {
    driver: 'json-file',
    options: { 'max-size': choice('TMGEN_LOG_SIZE', '10m'), 'max-file': choice('TMGEN_LOG_FILES', '3') },
  },
} satisfies YamlMap

/** A volume in memory, bounded: whoever writes to it can fill no disk, and nothing is lost with it. */
export const inMemory = (size: string, inodes: number, mode: string): YamlMap => ({
  driver: 'local',
  driver_opts: {
    type: 'tmpfs',
    device: 'tmpfs',
    o: `size=${size},nr_inodes=${inodes},mode=${mode},nosuid,nodev,noexec`,
  },
})

/** A mount of a volume. */
export const volume = (source: string, path: string, readOnly: boolean): YamlMap => ({
  type: 'volume',
  source,
  target: path,
  ...(readOnly ? { read_only: true } : {}),
})

/** Where a mount goes. The source must exist: an absent disk must not become an empty folder. */
export function target(path: string, readOnly: boolean): YamlMap {
  const bind: YamlMap = { type: 'bind', target: path, bind: { create_host_path: false } }
  return readOnly ? { ...bind, read_only: true } : bind
}

/** A mount of `source`, relative to the workspace or absolute. */
export function mount(source: string, path: string, readOnly: boolean): YamlMap {
  return { source: literal(source), ...target(path, readOnly) }
}

/**
 * `image`, and how to build it. `never` keeps compose from asking a registry for a name that is ours alone
 * (whoever owned it there could put a foreign image into the stack).
 */
export function imageOf(name: string, source: ImageSource, withBuild = true): YamlMap {
  if (!source.build) return { image: literal(source.image) }
  const image: YamlMap = { image: source.image, pull_policy: 'never' }
  if (!withBuild) return image
  const args = Object.fromEntries(Object.entries(source.build.args).map(([k, v]) => [k, literal(v)]))
  return { ...image, build: { context: `./generated/images/${name}`, args } }
}
