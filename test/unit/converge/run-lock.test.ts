import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { holdRunLock } from '../../../src/converge/runlock.ts'
import { makeBase } from './real/process.ts'

const base = makeBase()
afterAll(() => rmSync(base, { recursive: true, force: true }))
const since = new Date('2026-01-02T03:04:05Z')
const file = join(base, 'run.lock')
const holder = (change: object) =>
  writeFileSync(
    file,
    JSON.stringify({
      pid: process.pid,
      started: '',
      host: hostname(),
      command: 'add user bob',
      since: since.toISOString(),
      ...change,
    }),
  )

it('is held by one at a time; the second is told who, what and since when', async () => {
  const release = await holdRunLock(file, 'add user alice', since)
  await expect(holdRunLock(file, 'generate', since)).rejects.toMatchObject({
    code: 'busy',
    message: `another tmgen works in this workspace: "add user alice", pid ${process.pid}, since 2026-01-02T03:04:05.000Z`,
  })
  await release()
  expect(existsSync(file)).toBe(false)
  await (await holdRunLock(file, 'generate', since))()
})

it('of a dead process is taken over', async () => {
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  holder({ pid: child.pid })
  const release = await holdRunLock(file, 'generate', since)
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ pid: process.pid, command: 'generate' })
  await release()
})

it('of a dead process whose pid another process has now is taken over', async () => {
  holder({ started: '1' })
  await (await holdRunLock(file, 'generate', since))()
})

it('that was cut short by a kill is nobody’s', async () => {
  writeFileSync(file, '{"pid":')
  await (await holdRunLock(file, 'generate', since))()
})

it('of another machine is not taken over', async () => {
  holder({ host: 'elsewhere', pid: 999_999_999 })
  await expect(holdRunLock(file, 'generate', since)).rejects.toMatchObject({
    code: 'busy',
    hint: expect.stringContaining(`remove ${file}`),
  })
  rmSync(file)
})

it('is taken by exactly one of many that find a dead holder', async () => {
  holder({ started: '1' })
  const all = await Promise.allSettled(Array.from({ length: 8 }, () => holdRunLock(file, 'generate', since)))
  const held = all.filter((one) => one.status === 'fulfilled')
  expect(held).toHaveLength(1)
  await held[0]!.value()
})

it('is free again after a process was killed while taking it', async () => {
  mkdirSync(`${file}.lock`)
  utimesSync(`${file}.lock`, 1, 1)
  await (await holdRunLock(file, 'generate', since))()
})
