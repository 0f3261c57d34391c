import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { onCleanup, run, uniqueName, waitFor } from '../test/lab/support/index.ts'
import { table } from './table.ts'

const image = 'tmgen-lab/client'
const counts = [32, 256]
const kinds = [
  { what: 'userland proxy on (Docker’s default), IPv4 and IPv6', proxy: true, address: '' },
  { what: 'userland proxy on, IPv4 alone', proxy: true, address: '0.0.0.0:' },
  { what: 'userland proxy off', proxy: false, address: '' },
]

/** What published UDP ports cost on the host, measured with Docker engines of its own in network namespaces of their own. */
export async function proxyTable(): Promise<string> {
  const rows: string[][] = []
  for (const proxy of [true, false]) {
    const engine = await startEngine(proxy)
    for (const kind of kinds.filter((one) => one.proxy === proxy))
      for (const count of counts) rows.push([kind.what, String(count), ...(await publish(engine, kind.address, count))])
    await engine.stop()
  }
  const head = [
    'Engine',
    'UDP ports',
    'processes',
    'their memory, MiB (PSS)',
    'start of a container, s',
    'its removal, s',
  ]
  return table(head, rows)
}

interface Engine {
  pid: number
  docker(...args: string[]): Promise<string>
  stop(): Promise<void>
}

/** A dockerd with the lab's client image, beside the one that the lab uses. Needs root. */
async function startEngine(proxy: boolean): Promise<Engine> {
  const dir = mkdtempSync(join(tmpdir(), 'tmgen-bench-engine-'))
  const namespace = uniqueName('engine')
  await must('ip', ['netns', 'add', namespace])
  await must('ip', ['-n', namespace, 'link', 'set', 'lo', 'up'])
  const at = (name: string) => join(dir, name)
  const flags = [
    '--data-root',
    at('data'),
    '--exec-root',
    at('exec'),
    '--pidfile',
    at('pid'),
    '-H',
    `unix://${at('sock')}`,
  ]
  const args = [`--net=/run/netns/${namespace}`, 'dockerd', ...flags, `--userland-proxy=${proxy}`]
  const child = spawn('nsenter', args, { stdio: 'ignore' })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  let stopped = false
  const stop = async () => {
    if (stopped) return
    stopped = true
    child.kill('SIGTERM')
    await ended
    await must('ip', ['netns', 'del', namespace])
    rmSync(dir, { recursive: true, force: true })
  }
  onCleanup(`engine in ${dir}`, stop)
  const docker = (...inside: string[]) => must('docker', ['-H', `unix://${at('sock')}`, ...inside])
  await waitFor('the engine', async () => (await docker('version', '--format', '{{.Server.Version}}')) !== '')
  await must('sh', ['-c', `docker save ${image} | docker -H "unix://$0" load -q`, at('sock')])
  return { pid: Number(readFileSync(at('pid'), 'utf8')), docker, stop }
}

/** Processes, their PSS in MiB, and the seconds that start and removal of a container with so many ports take. */
async function publish(engine: Engine, address: string, count: number): Promise<string[]> {
  const range = `21000-${21_000 + count - 1}`
  const flags = ['--network', 'bridge', '-p', `${address}${range}:${range}/udp`, '--entrypoint', 'sleep']
  const started = performance.now()
  const id = await engine.docker('run', '-d', ...flags, image, 'infinity')
  const running = performance.now()
  const proxies = childrenOf(engine.pid, 'docker-proxy')
  const memory = proxies.reduce((sum, pid) => sum + pssOf(pid), 0)
  const removing = performance.now()
  await engine.docker('rm', '-f', id)
  const seconds = [running - started, performance.now() - removing].map((ms) => (ms / 1000).toFixed(1))
  const row = [String(proxies.length), memory.toFixed(0), ...seconds]
  console.error(`${address || 'any'} ${count}: ${row.join(' | ')}`)
  return row
}

function childrenOf(pid: number, name: string): number[] {
  return readdirSync('/proc')
    .filter((one) => /^\d+$/.test(one))
    .filter((one) => {
      try {
        const [, comm, parent] = /^\d+ \((.*)\) \S (\d+)/.exec(readFileSync(`/proc/${one}/stat`, 'utf8')) ?? []
        return comm === name && Number(parent) === pid
      } catch {
        // It ended meanwhile.
        return false
      }
    })
    .map(Number)
}

/** MiB of a process, shared pages divided among those that share them. */
function pssOf(pid: number): number {
  const found = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))
  return Number(found?.[1]) / 1024
}

async function must(command: string, args: string[]): Promise<string> {
  const ran = await run(command, args)
  if (ran.code !== 0) throw new Error(`${command} ${args.join(' ')} exited ${ran.code}: ${ran.stderr}`)
  return ran.stdout.trim()
}
