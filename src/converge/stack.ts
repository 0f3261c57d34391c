import { TmgenError } from '../errors.ts'
import type { Tree } from '../render/types.ts'
import type { Deployment } from '../resolve/types.ts'
import type { World } from '../world.ts'
import { sha256 } from './hash.ts'
import type { Observed, SeenContainer, StackView } from './types.ts'

const composeFile = 'generated/docker-compose.yml'
/** Reading a compose project of 1,000 services takes some seconds on a small machine; in ms. */
const timeoutMs = 120_000

/** Services that tmgen writes; all others are the person's own. */
export const isOurs = (service: string): boolean =>
  /^(gateway|headscale|monitor|monitor-scanner|samba-.+)$/.test(service)

/** Lines of `SERVICE HASH`. */
function hashes(stdout: string): Map<string, string> {
  const pairs = stdout.split('\n').map((line) => line.trim().split(/\s+/))
  return new Map(pairs.flatMap(([service, hash]) => (service && hash ? [[service, hash] as const] : [])))
}

function containers(stdout: string): SeenContainer[] {
  const rows = stdout.split('\n').map((line) => line.split('\t'))
  return rows.flatMap(([service, hash, state, oneOff]) =>
    // `docker compose run` makes one-off containers: they are no part of what is wanted.
    service && oneOff !== 'True' ? [{ service, hash: hash ?? '', state: state ?? '' }] : [],
  )
}

/**
 * Reads the containers of this workspace, and asks compose for the hashes of what they should be
 * made from. Where docker-compose.yml is to change, the new text goes in by stdin.
 * @returns a note instead of the view where that cannot be known
 */
export async function observeStack(
  world: World,
  { dir, deployment, tree }: { dir: string; deployment: Deployment; tree: Tree },
  files: Observed['files'],
): Promise<{ view?: StackView; note?: string }> {
  if (deployment.host === 'remote') return { note: 'host: remote: the running stack was not looked at' }
  const project = deployment.workspace.name
  const docker = async (args: string[], input?: string) => {
    const { exitCode, stdout, stderr } = await world.docker.run(args, {
      cwd: dir,
      timeoutMs,
      ...(input === undefined ? {} : { input }),
    })
    if (exitCode === 0) return stdout
    throw new TmgenError('docker', stderr.trim().split('\n').at(-1) || `docker ${args[0]} failed`)
  }
  try {
    const labels = ['service', 'config-hash'].map((label) => `{{.Label "com.docker.compose.${label}"}}`)
    const format = [...labels, '{{.State}}', '{{.Label "com.docker.compose.oneoff"}}'].join('\t')
    const filter = `label=com.docker.compose.project=${project}`
    const seen = containers(await docker(['ps', '-a', '--filter', filter, '--format', format]))

    const text = tree.get(composeFile)?.content
    const isSame = text !== undefined && files.get(composeFile)?.sha256 === sha256(text)
    const hash = ['config', '--hash', '*']
    if (isSame || typeof text !== 'string') {
      const now = hashes(await docker(['compose', ...hash]))
      return { view: { containers: seen, now, wanted: now } }
    }
    // Where the files there are deleted or broken, all that runs counts as old.
    const now = hashes(await docker(['compose', ...hash]).catch(() => ''))
    const both = ['-p', project, '--project-directory', '.', '-f', 'docker-compose.base.yml', '-f', '-']
    const ours = hashes(await docker(['compose', ...both, ...hash], text))
    const others = [...now].filter(([service]) => !isOurs(service))
    return { view: { containers: seen, now, wanted: new Map([...others, ...ours]) } }
  } catch (error) {
    if (!(error instanceof TmgenError)) throw error
    return { note: `the running stack was not looked at: ${error.message}` }
  }
}
