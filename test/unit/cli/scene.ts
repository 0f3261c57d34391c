import type { Io } from '../../../src/ui/io.ts'
import { MemoryDisk, type MemoryWorldOptions, memoryWorld, putPackage } from '../../support/world.ts'
import { TinyHeadscale } from './headscale.ts'
import { type Ran, runIn } from './run.ts'

export const dir = '/home/me/timemachine'
/** Every secret that a test plants has this in it; nothing printed may. */
export const planted = 'pl4nted-s3cret'

/** A machine in memory, with a Headscale beside it; each `tmgen` is a process of its own on its disk. */
export class Scene {
  readonly disk = new MemoryDisk()
  readonly headscale = new TinyHeadscale(`hskey-api-${planted}`, `hskey-auth-${planted}-`)
  /** All that was printed without a terminal. */
  printed = ''
  options: MemoryWorldOptions = {}
  env: Record<string, string> = { TMGEN_HEADSCALE_API_KEY: `hskey-api-${planted}` }
  /** What `docker` was called with. */
  readonly docker: string[][] = []
  dockerAnswer = (_args: string[]) => ({ exitCode: 1, stdout: '', stderr: 'no docker here' })

  constructor() {
    putPackage(this.disk)
    this.disk.mkdirs('/srv/tm')
    this.disk.mkdirs('/home/me')
  }

  async tmgen(line: string, io: Partial<Io> = {}): Promise<Ran> {
    const world = memoryWorld(this.disk, { env: this.env, ...this.options })
    world.fetch = this.headscale.fetch
    world.docker = {
      run: async (args, { onLine } = {}) => {
        this.docker.push(args)
        const answer = this.dockerAnswer(args)
        if (onLine === undefined) return answer
        for (const line of answer.stdout.split('\n')) if (line !== '') onLine(line)
        return { ...answer, stdout: '' }
      },
    }
    const cwd = this.disk.nodes.has(`${dir}/tmgen.yaml`) ? dir : '/home/me'
    const ran = await runIn({ world, cwd, ...io }, ...line.split(' ').filter((word) => word !== ''))
    if (io.stdout?.isTTY !== true) this.printed += ran.stdout
    this.printed += ran.stderr
    return ran
  }

  text(path: string): string {
    return this.disk.text(`${dir}/${path}`) ?? ''
  }

  /** A workspace with a provider, made by `tmgen init`. */
  static async with(provider: 'headscale' | 'manual'): Promise<Scene> {
    const scene = new Scene()
    const url = provider === 'headscale' ? '--url https://hs.example.com' : ''
    const ran = await scene.tmgen(`init timemachine --provider ${provider} ${url} --storage /srv/tm`)
    if (ran.code !== 0) throw new Error(ran.stderr)
    return scene
  }
}
