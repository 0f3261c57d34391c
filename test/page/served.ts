import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { History } from '../../src/monitor/history/index.ts'
import { PageServer } from '../../src/monitor/page/index.ts'
import type { Report } from '../../src/monitor/report/index.ts'
import { lived } from '../unit/monitor/lived.ts'
import { at, reportOf } from '../unit/monitor/people.ts'

/** A TCP port of this machine's loopback that leads to a unix socket, as `ssh -L` makes it. */
export async function relayTo(path: string): Promise<{ origin: string; close: () => Promise<void> }> {
  const open = new Set<Socket>()
  const server = createServer((caller) => {
    const page = connect(path)
    for (const [one, other] of [
      [caller, page],
      [page, caller],
    ] as const) {
      open.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        open.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const one of open) one.destroy()
      }),
  }
}

export interface Served {
  /** Where a browser on this machine finds the page. */
  origin: string
  show(report: Report): void
  close(): Promise<void>
}

/**
 * The real page on its socket, of so many people. The first of them has sixty days behind them and has stopped, every
 * seventh of the others is in trouble as well.
 */
export async function servePage(people: number): Promise<Served> {
  const folder = mkdtempSync(join(tmpdir(), 'tmgen-page-'))
  const history = new History(join(folder, 'history.sqlite'), {
    onLoss: (why) => {
      throw new Error(why)
    },
  })
  const path = join(folder, 'operator.sock')
  const server = new PageServer(history, {
    now: () => at,
    say: (line) => {
      throw new Error(line)
    },
  })
  await lived(history, 'person-001')
  await server.ensure(path)
  server.show(reportOf(people, (index) => index % 7 === 0))
  const { origin, close } = await relayTo(path)
  return {
    origin,
    show: (report) => server.show(report),
    close: async () => {
      await close()
      await server.close()
      history.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
