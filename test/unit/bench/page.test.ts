import { describe, expect, it } from 'vitest'
import { putParts } from '../../../bench/page.ts'

const page = `before
<!-- bench one: begin -->

old one

<!-- bench one: end -->
between
<!-- bench two: begin -->

old two

<!-- bench two: end -->
after
`

describe('the page of the benchmarks', () => {
  it('gets a part in its place and keeps every other byte', () => {
    expect(putParts(page, new Map([['two', '\nnew two $& \n']]))).toBe(page.replace('old two', () => 'new two $&'))
  })

  it('is refused when it has lost the marks of a part', () => {
    expect(() => putParts(page, new Map([['three', 'x']]))).toThrow('lost its marks of three')
    const turned = page.replace('two: begin', 'two: later').replace('two: end', 'two: begin').replace('later', 'end')
    expect(() => putParts(turned, new Map([['two', 'x']]))).toThrow('lost its marks of two')
  })

  it('takes the same result twice as once', () => {
    const once = putParts(page, new Map([['one', 'new']]))
    expect(putParts(once, new Map([['one', 'new']]))).toBe(once)
  })
})
