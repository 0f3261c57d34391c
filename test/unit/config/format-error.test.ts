import { expect, test } from 'vitest'
import { TmgenError, TmgenErrors } from '../../../src/errors.ts'
import { formatError } from '../../../src/format-error.ts'

const at = (text: string, column: number): TmgenError =>
  new TmgenError('config-invalid', 'is wrong', { place: { file: 'f.yaml', line: 3, column, text }, hint: 'mend it' })

test('shows place, message, line, caret and hint', () => {
  expect(formatError(at('name: Bob', 7))).toBe('f.yaml:3:7: is wrong\n  name: Bob\n        ^\nhint: mend it')
})

test('shows message and hint alone where there is no place', () => {
  expect(formatError(new TmgenError('docker', 'docker is missing', { hint: 'install it' }))).toBe(
    'docker is missing\nhint: install it',
  )
})

test('keeps tabs before the caret, so that it stands under the fault at any tab width', () => {
  expect(formatError(at('\tname:\tBob', 8)).split('\n').slice(1, 3)).toEqual(['  \tname:\tBob', '  \t     \t^'])
})

test('counts wide characters as two columns', () => {
  expect(formatError(at('姓名: x', 5)).split('\n')[2]).toBe('        ^')
})

test('shows a window of a very long line around the fault', () => {
  const [, line, caret] = formatError(at(`${'a'.repeat(5000)}X${'b'.repeat(5000)}`, 5001)).split('\n')
  expect(line?.length).toBeLessThan(120)
  expect(line?.[(caret?.length ?? 0) - 1]).toBe('X')
})

test('escapes what could drive a terminal, in the line, the message, the file name and the hint', () => {
  const evil = '\u001b]0;owned\u0007\u009b\u202e\u200b'
  const place = { file: evil, line: 1, column: 1, text: evil }
  const shown = formatError(new TmgenError('config-invalid', `${evil}\n`, { place, hint: evil }))
  expect(shown.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e\u200b]/u)
  expect(shown).toContain('\\u{1b}]0;owned\\u{07}')
  expect(shown.split('\n')).toHaveLength(4)
})

test('shows several errors with an empty line between, and counts those beyond fifty', () => {
  const shown = formatError(new TmgenErrors(Array.from({ length: 60 }, () => at('x', 1))))
  expect(shown.match(/is wrong/g)).toHaveLength(50)
  expect(shown).toMatch(/\n\n… and 10 more$/)
})
