import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readExplained, readPasses } from '../../lab/conformance/expected.ts'
import { conformancePage } from '../../lab/conformance/page.ts'
import { readResults } from '../../lab/support/torture.ts'

const page = new URL('../../../docs/reference/conformance.md', import.meta.url)

test('docs/reference/conformance.md is what the lists say (UPDATE=1 writes it)', () => {
  const wanted = conformancePage(readPasses(), readExplained())
  if (process.env.UPDATE === '1') writeFileSync(page, wanted)
  expect(readFileSync(page, 'utf8')).toBe(wanted)
})

test('a test is in one list, once, and both lists are sorted', () => {
  const [passes, others] = [readPasses(), readExplained().map((one) => one.test)]
  expect(passes).toEqual([...new Set(passes)].sort())
  expect(others).toEqual([...new Set(others)].sort())
  expect(passes.filter((name) => others.includes(name))).toEqual([])
})

test('outcomes and reasons are read by test', () => {
  const printed =
    'test: a\ntime: 1\nsuccess: a\ntest: b c\nfailure: b c [\nwhy\nsuccess: a\n]\ntest: d\nskip: d [\nno\n]\n'
  const { outcomes, reasons } = readResults('s', printed, 1)
  expect([...outcomes]).toEqual([
    ['s.a', 'success'],
    ['s.b c', 'failure'],
    ['s.d', 'skip'],
  ])
  expect(reasons.get('s.b c')).toBe('why\nsuccess: a')
})

test.each([
  ['a crash in a test', 'test: a\nsuccess: a\ntest: b\n', 139, 's: b never ended'],
  ['a crash between tests', 'test: a\nsuccess: a\n', 139, 'exited 139'],
  ['a run that was cut off', 'test: a\nfailure: a [\nhalf', 124, 'never ended'],
  ['no output', '', 0, 'no test ran'],
  ['a test that ends twice', 'test: a\nsuccess: a\ntest: a\nsuccess: a\n', 0, 'ended twice'],
  ['another test than the one that ran', 'test: a\nsuccess: b\n', 0, 'while a ran'],
  ['failures that the exit code hides', 'test: a\nfailure: a [\n]\n', 0, 'exited 0'],
])('%s is no result', (_, printed, code, said) => {
  expect(() => readResults('s', printed, code)).toThrow(said.replace('s: ', ''))
})
