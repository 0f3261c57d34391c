import { readFileSync } from 'node:fs'

/** How a test that does not simply pass ends; `flaky`: now so, now so, directly as well. */
export type Ends = 'failure' | 'error' | 'skip' | 'flaky'

export interface Explained {
  test: string
  ends: Ends
  /** Whether Time Machine needs what the test asks for. */
  matters: string
  reason: string
}

export const passesFile = new URL('passes.txt', import.meta.url)

/** The tests that must pass on both paths, as passes.txt lists them. */
export function readPasses(): string[] {
  return readFileSync(passesFile, 'utf8').trimEnd().split('\n')
}

/** All other tests with the reason, from explained.tsv: test, ends, matters, reason. Throws for a line that is not whole. */
export function readExplained(): Explained[] {
  const lines = readFileSync(new URL('explained.tsv', import.meta.url), 'utf8')
    .trimEnd()
    .split('\n')
  return lines.map((line, at) => {
    const [test, ends, matters, reason, ...more] = line.split('\t')
    if (!test || !matters || !reason || more.length > 0 || !/^(failure|error|skip|flaky)$/.test(ends ?? ''))
      throw new Error(`explained.tsv:${at + 1} is not test, ends, matters, reason: ${line}`)
    return { test, ends: ends as Ends, matters, reason }
  })
}

/** The suite that a test is of: `smb2.lease` of `smb2.lease.request`. */
export function suiteOf(test: string): string {
  return test.split('.').slice(0, 2).join('.')
}
