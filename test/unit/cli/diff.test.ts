import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lineDiff } from '../../../src/ui/diff.ts'

/** The text after, out of the text before and the whole difference of it. */
function patched(before: string, diff: string): string {
  const lines = before.split('\n')
  const out: string[] = []
  let at = 0
  for (const line of diff === '' ? [] : diff.split('\n')) {
    const hunk = /^@@ -(\d+) /.exec(line)
    if (hunk) while (at < Number(hunk[1]) - 1) out.push(lines[at++]!)
    else if (line[0] === '+') out.push(line.slice(1))
    else {
      expect(lines[at]).toBe(line.slice(1))
      if (line[0] === ' ') out.push(line.slice(1))
      at++
    }
  }
  return [...out, ...lines.slice(at)].join('\n')
}

describe('lineDiff', () => {
  it('shows three lines around a change', () => {
    const lines = Array.from({ length: 20 }, (_, i) => `line ${i + 1}`)
    const after = lines.with(9, 'new').join('\n')
    expect(lineDiff(lines.join('\n'), after).split('\n')).toEqual([
      '@@ -7 +7 @@',
      ' line 7',
      ' line 8',
      ' line 9',
      '-line 10',
      '+new',
      ' line 11',
      ' line 12',
      ' line 13',
    ])
  })

  it('is empty for equal texts, and shows no line where a text ends', () => {
    expect(lineDiff('a\nb\n', 'a\nb\n')).toBe('')
    expect(lineDiff('', '{\n}\n')).toBe('@@ -1 +1 @@\n+{\n+}')
  })

  it('is enough to make the text after out of the one before', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 30 }).map((all) => `${all.join('\n')}\nend`)
    fc.assert(fc.property(text, text, (before, after) => patched(before, lineDiff(before, after)) === after))
  })

  it('shows no more than has changed', () => {
    const lines = Array.from({ length: 3000 }, (_, i) => `line ${i}`)
    const diff = lineDiff(lines.join('\n'), [...lines.slice(0, 1500), 'x', 'y', ...lines.slice(1500)].join('\n'))
    expect(diff.split('\n').filter((line) => line.startsWith('+') || line.startsWith('-'))).toEqual(['+x', '+y'])
  })
})
