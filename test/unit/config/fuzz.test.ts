import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { addUserText, type ParsedConfig, parseConfig } from '../../../src/config/index.ts'
import { jsonSchema } from '../../../src/config/json-schema.ts'
import { pipeline } from '../../../src/converge/index.ts'
import { errorCodes, TmgenError, TmgenErrors } from '../../../src/errors.ts'
import { formatError } from '../../../src/format-error.ts'
import { newLock, resolve } from '../../../src/resolve/index.ts'
import { memoryWorld } from '../../support/world.ts'
import { generate, run, scene, ws } from '../converge/helper.ts'
import { mutate, random } from './mutate.ts'

// FUZZ_SEED and FUZZ_COUNT try others; what fails is printed with its seed and number.
const seed = Number(process.env.FUZZ_SEED ?? 20_260_102)
const count = Number(process.env.FUZZ_COUNT ?? 10_000)
/** ms of processor time that one config may take; the largest take some hundred. */
const longest = 3_000
const spent = (since: NodeJS.CpuUsage) => process.cpuUsage(since).user / 1000

const cases = join(import.meta.dirname, '../../cases')
const texts = readdirSync(cases)
  .map((name) => join(cases, name, 'tmgen.yaml'))
  .filter((path) => existsSync(path))
  .map((path) => readFileSync(path))

const codes: ReadonlySet<string> = new Set(errorCodes)

/** The value, or the errors where all of them are of the closed list and fit to be read; anything else is thrown. */
async function orErrors<T>(action: () => T | Promise<T>): Promise<{ value: T } | { errors: readonly TmgenError[] }> {
  try {
    return { value: await action() }
  } catch (error) {
    if (!(error instanceof TmgenError || error instanceof TmgenErrors)) throw error
    const errors = error instanceof TmgenErrors ? error.errors : [error]
    const text = formatError(error)
    const isFit = errors.length > 0 && errors.every((one) => codes.has(one.code) && one.message.trim() !== '')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not reach a terminal
    if (!isFit || /\n {4}at |[\u0000-\u0008\u001b]|undefined|\[object/.test(text)) throw new Error(text)
    return { errors }
  }
}

const person = { name: 'zoe', logins: ['zoe@example.com'], macs: [{ name: 'macbook' }] }

/** What a valid config must bear: numbers for its people, and an edit that is valid again. */
async function tryValid(parsed: ParsedConfig): Promise<void> {
  await orErrors(() => resolve(parsed, newLock('00c0ffee00c0ffee')))
  const edited = await orErrors(() => addUserText(parsed, person))
  if ('errors' in edited) return
  const again = await orErrors(() => parseConfig(Buffer.from(edited.value), 'tmgen.yaml'))
  // A folder may lie inside another's, and the subnet may be full: the edit itself may not break the file.
  if ('errors' in again) expect(again.errors.map(({ code }) => code).filter((code) => /^config/.test(code))).toEqual([])
}

test('the files that are mutated hold every key that there is', () => {
  const keys = new Set<string>()
  JSON.stringify(jsonSchema(), (name, part) => {
    if (name === 'properties') for (const key of Object.keys(part)) keys.add(key)
    return part
  })
  const all = Buffer.concat(texts).toString('utf8')
  expect([...keys].filter((key) => !new RegExp(`\\b${key}:`).test(all))).toEqual([])
  expect(keys).toContain('overcommit')
})

test(`${count} mutated tmgen.yaml: an error of the closed list or a valid config, never a stack trace, never a write`, async () => {
  const place = await scene('manual')
  await run(place, generate)
  const before = place.disk.snapshot('')
  const writes: string[] = []
  const world = memoryWorld(place.disk, {
    hook: (what, path) => {
      if (what !== 'read') writes.push(`${what} ${path}`)
    },
  })
  const command = { name: 'add user zoe', permits: 'all', remote: 'no' } as const
  const next = random(seed)
  const found = { valid: 0, refused: 0 }
  for (let n = 0; n < count; n++) {
    const bytes = mutate(texts, next)
    const started = process.cpuUsage()
    try {
      const parsed = await orErrors(() => parseConfig(bytes, 'tmgen.yaml'))
      if ('value' in parsed) {
        found.valid++
        await tryValid(parsed.value)
      } else {
        found.refused++
        place.disk.put(`${ws}/tmgen.yaml`, bytes)
        const edit = (one: ParsedConfig) => addUserText(one, person)
        expect(await orErrors(() => pipeline(world, ws, { ...command, edit }))).toHaveProperty('errors')
        expect(writes).toEqual([])
      }
      expect(spent(started)).toBeLessThan(longest)
    } catch (error) {
      const text = bytes.toString('utf8').slice(0, 4000)
      throw new Error(`FUZZ_SEED=${seed}, number ${n}: ${error instanceof Error ? error.stack : error}\n${text}`)
    }
  }
  const yaml = /\/tmgen\.yaml$/
  place.disk.put(`${ws}/tmgen.yaml`, before[`${ws}/tmgen.yaml`]?.replace(/^\d+ /, '') ?? '')
  expect(place.disk.snapshot('')).toEqual(before)
  expect(Object.keys(before).some((path) => yaml.test(path))).toBe(true)
  // Both kinds come up, or the mutations are too mild or too wild.
  expect(found.valid).toBeGreaterThan(count / 20)
  expect(found.refused).toBeGreaterThan(count / 4)
}, 120_000)
