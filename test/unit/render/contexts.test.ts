import { describe, expect, it } from 'vitest'
import { artefacts } from '../../../src/render/artefacts.ts'
import { contextHash } from '../../../src/render/contexts.ts'
import { deployment, inputs, user } from './fixture.ts'

const file = (content: string | Uint8Array, mode = 0o644) => ({ content, mode })
const base = new Map([
  ['Dockerfile', file('FROM scratch')],
  ['lib/a.sh', file('a')],
])

describe('the hash of a build context', () => {
  it('is 12 hex digits and does not depend on the order of files', () => {
    expect(contextHash(base)).toMatch(/^[0-9a-f]{12}$/)
    expect(contextHash(new Map([...base].reverse()))).toBe(contextHash(base))
    expect(contextHash(new Map([...base].map(([p, f]) => [p, file(Buffer.from(String(f.content)))])))).toBe(
      contextHash(base),
    )
  })

  it.each([
    ['content', new Map([...base, ['lib/a.sh', file('b')]])],
    ['mode', new Map([...base, ['lib/a.sh', file('a', 0o755)]])],
    ['a further file', new Map([...base, ['lib/b.sh', file('')]])],
    [
      'a name',
      new Map([
        ['Dockerfile', file('FROM scratch')],
        ['lib/c.sh', file('a')],
      ]),
    ],
    [
      'where one file ends and the next begins',
      new Map([
        ['Dockerfile', file('FROM scratcha')],
        ['lib/a.sh', file('')],
      ]),
    ],
  ])('changes with %s', (_, changed) => {
    expect(contextHash(changed)).not.toBe(contextHash(base))
  })

  it('changes with the build arguments', () => {
    expect(contextHash(base, { DEBIAN_IMAGE: 'a' })).not.toBe(contextHash(base))
    expect(contextHash(base, { DEBIAN_IMAGE: 'a' })).not.toBe(contextHash(base, { GOLANG_IMAGE: 'a' }))
  })
})

describe('the tree', () => {
  it('holds the contexts of what is built here, with their modes', () => {
    const tree = artefacts(deployment([user(1, 'alice')]), inputs)
    expect(tree.get('generated/images/samba/entrypoint')).toEqual({ content: '#!/bin/sh\n', mode: 0o755 })
    expect(tree.has('generated/images/gateway/Dockerfile')).toBe(true)
    expect(tree.has('generated/images/headscale/Dockerfile')).toBe(false)
  })

  it('lies below generated/ with plain paths, in order', () => {
    const paths = [...artefacts(deployment([user(1, 'alice')]), inputs).keys()]
    for (const path of paths) expect(path).toMatch(/^generated\/[\w.-]+(\/[\w.-]+)*$/)
    expect(paths).toEqual(paths.toSorted())
  })

  it('says in every file that has comments who made it', () => {
    const tree = artefacts(deployment([user(1, 'alice')]), inputs)
    for (const [path, { content }] of tree) {
      if (path.includes('/images/') || path.endsWith('.json')) continue
      expect(String(content).split('\n').slice(0, 2).join(), path).toMatch(/tmgen.*changes.*(here|made here).*not kept/)
    }
  })
})
