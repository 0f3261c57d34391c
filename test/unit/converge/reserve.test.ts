import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { giveUpReserve, withRoom } from '../../../src/converge/reserve.ts'
import { makeBase } from './real/process.ts'

const base = makeBase()
const folder = join(base, 'state/gateway')
const reserve = join(folder, '.reserve')
const full = Object.assign(new Error('full'), { code: 'ENOSPC' })

describe('the reserve of a workspace on a full disk', () => {
  beforeEach(() => {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    writeFileSync(reserve, '')
    truncateSync(reserve, 1024 * 1024)
  })
  afterAll(() => rmSync(base, { recursive: true, force: true }))

  it('is given up piece by piece until the write finds room', () => {
    let tries = 0
    const written = withRoom(join(base, 'generated/users/bob/smb.conf'), () => {
      if (++tries <= 3) throw full
      return 'written'
    })
    expect(written).toBe('written')
    expect(statSync(reserve).size).toBe(256 * 1024)
  })

  it('ends, and the fault is the one of the disk then', () => {
    expect(() =>
      withRoom(join(base, 'tmgen.yaml'), () => {
        throw full
      }),
    ).toThrow(full)
    expect(statSync(reserve).size).toBe(0)
  })

  it('is left alone by any other fault', () => {
    const other = Object.assign(new Error('other'), { code: 'EROFS' })
    expect(() =>
      withRoom(join(base, 'tmgen.yaml'), () => {
        throw other
      }),
    ).toThrow(other)
    expect(statSync(reserve).size).toBe(1024 * 1024)
  })

  it('is never a link to something else', () => {
    writeFileSync(join(base, 'mine'), 'kept')
    rmSync(reserve)
    symlinkSync(join(base, 'mine'), reserve)
    expect(giveUpReserve(join(base, 'tmgen.yaml'))).toBe(false)
    expect(readFileSync(join(base, 'mine'), 'utf8')).toBe('kept')
  })
})
