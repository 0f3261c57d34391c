import { onCleanup } from './cleanup.ts'
import { docker, type Ran, type RunOptions, run, uniqueName } from './docker.ts'

export interface Container {
  id: string
  name: string
  /** Runs a command inside; never throws for its exit code. */
  exec(command: readonly string[], options?: RunOptions): Promise<Ran>
  /** As exec, but a non-zero exit throws; gives stdout. */
  must(command: readonly string[], options?: RunOptions): Promise<string>
  logs(): Promise<string>
  /** Ends and removes it now; cleanup does so anyway. */
  remove(): Promise<void>
}

/** Starts a container in the background with these `docker run` flags; cleanup removes it by its id. */
export async function startContainer(
  kind: string,
  image: string,
  flags: readonly string[],
  command: readonly string[] = [],
): Promise<Container> {
  const name = uniqueName(kind)
  // Docker takes no name of its own for a container in another one's network.
  const hostname = flags.some((flag) => flag.startsWith('container:')) ? [] : ['--hostname', name]
  const id = await docker(['run', '-d', '--name', name, ...hostname, ...flags, image, ...command])
  let gone = false
  const remove = async () => {
    if (gone) return
    gone = true
    await docker(['rm', '-f', '-v', id])
  }
  onCleanup(`container ${name}`, remove)
  const exec = (inside: readonly string[], options: RunOptions = {}) =>
    run('docker', ['exec', ...(options.input === undefined ? [] : ['-i']), id, ...inside], options)
  const must = async (inside: readonly string[], options: RunOptions = {}) => {
    const ran = await exec(inside, options)
    if (ran.code !== 0) throw new Error(`${name}: ${inside.join(' ')} exited ${ran.code}: ${ran.stderr}${ran.stdout}`)
    return ran.stdout
  }
  const logs = async () => {
    const ran = await run('docker', ['logs', id])
    return ran.stdout + ran.stderr
  }
  return { id, name, exec, must, logs, remove }
}
