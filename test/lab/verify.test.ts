import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { History } from '../../src/monitor/history/index.ts'
import { ledgersIn } from '../../src/monitor/report/ledgers.ts'
import { takeVerified } from '../../src/monitor/report/take-verified.ts'
import type { Settings } from '../../src/monitor/settings.ts'
import type { Handed, Part, Stand } from '../../src/monitor/verify/part.ts'
import { readBack, verifyLimits } from '../../src/monitor/verify/run.ts'
import { writeBundle } from '../support/bundles.ts'
import { cleanUp, type LoopDisk, loopDisk, onCleanup, run } from './support/index.ts'

const limits = {
  ...verifyLimits,
  program: ['--import', import.meta.resolve('tsx'), join(import.meta.dirname, '../../src/monitor/verify/main.ts')],
}
const users = [{ name: 'alice', id: 'u1', storage: '/', macs: ['macbook'] }]

// A real filesystem whose disk is damaged behind its back: what no test with files alone can show.
describe('a disk that forgets', () => {
  afterAll(cleanUp)

  test('a byte that changed beneath the filesystem, and a file that it does not give back, are told, and nothing else', async () => {
    const root = mkdtempSync(join(tmpdir(), 'tmgen-lab-verify-'))
    onCleanup(`folder ${root}`, async () => void (await run('rm', ['-rf', root])))
    const bands = join(root, 'bands')
    mkdirSync(bands)
    const disk = await loopDisk(join(root, 'disk'), '16M')
    const bundle = writeBundle(join(disk.path, 'macbook'), 'A.sparsebundle', { bands: 0 })
    const content = (band: number) => `band ${band} of alice `.repeat(4096)
    for (let band = 0; band < 6; band++) writeFileSync(join(bundle, 'bands', band.toString(16)), content(band))
    // What was just written is left for another time.
    await new Promise((done) => setTimeout(done, 2_100))
    expect(await look(disk, bands)).toMatchObject({ covered: 6, faults: { rot: 0, unreadable: 0 }, files: [] })

    await disk.unmount()
    const image = readFileSync(`${disk.path}.img`)
    const at = image.indexOf(content(2))
    expect(at).toBeGreaterThan(0)
    image[at + 5000]! ^= 1
    writeFileSync(`${disk.path}.img`, image)
    const clear = ['-w', '-R', 'clri /macbook/A.sparsebundle/bands/4', `${disk.path}.img`]
    expect(await run('debugfs', clear)).toMatchObject({ code: 0 })
    await disk.mount()

    const stand = await look(disk, bands)
    expect(stand).toMatchObject({ bands: 6, covered: 4, faults: { rot: 1, unreadable: 1, oversize: 0 }, files: [] })
    const examples = [...stand.examples].sort((a, b) => a.band.localeCompare(b.band))
    expect(examples).toMatchObject([
      { band: '2', fault: 'rot' },
      { band: '4', fault: 'unreadable', why: expect.stringMatching(/^(it cannot be read|the disk does not)/) },
    ])
  })
})

/** One round over all of it; what it finds is remembered, as the reporter does it. */
async function look(disk: LoopDisk, bands: string): Promise<Stand> {
  const parts: Part[] = []
  const where = { storage: disk.path, mac: 'macbook', ledgers: bands, key: 'u1.macbook.' }
  const end = await readBack({ ...where, bytes: null, ms: null, within: 30 }, limits, (part) => parts.push(part))
  expect(end).toEqual({ outcome: 'done', bundles: ['A.sparsebundle'] })
  const history = new History(join(bands, '../history.sqlite'), { onLoss: (why) => expect.fail(why) })
  const ledgers = ledgersIn(bands, (line) => expect.fail(line))
  const handed = parts.map((part, index): Handed => {
    const id = `${process.hrtime.bigint().toString(16)}${index}`.slice(-16).padStart(16, '0')
    return { id, at: Date.now(), user: 'alice', mac: 'macbook', what: { kind: 'part', part } }
  })
  takeVerified(history, ledgers, { users } as unknown as Settings, handed)
  history.close()
  return parts.at(-1)!.stand
}
