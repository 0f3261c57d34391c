import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { readEnrolled } from '../../../src/converge/enrolled.ts'
import { nodeDisk } from '../../../src/converge/node-disk.ts'
import type { World } from '../../../src/world.ts'
import { makeBase } from './real/process.ts'

const base = makeBase()
afterAll(() => rmSync(base, { recursive: true, force: true }))

const base64 = (text: string) => Buffer.from(text).toString('base64')
const good = JSON.stringify({
  '_current-profile': base64('profile-1'),
  'profile-1': base64(JSON.stringify({ Config: { NodeID: 'n42' } })),
})

it.each([
  ['a node is enrolled by its state', { state: good }, 'n42'],
  ['damaged, by its copy, which the gateway puts in its place', { state: good.slice(0, 40), copy: good }, 'n42'],
  ['and not at all where both are damaged', { state: 'junk', copy: 'junk' }, undefined],
] as [string, { state: string; copy?: string }, string | undefined][])('%s', async (_what, { state, copy }, id) => {
  const folder = join(base, 'state/gateway/alice')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'tailscaled.state'), state)
  if (copy !== undefined) writeFileSync(join(folder, 'tailscaled.state.good'), copy)
  expect((await readEnrolled({ disk: nodeDisk } as World, base, ['alice'])).get('alice')).toBe(id)
})
