import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config/index.ts'
import { render } from '../../src/render/index.ts'
import { formatLock, newLock, parseLock, resolve } from '../../src/resolve/index.ts'
import { inputs } from '../unit/render/fixture.ts'

// A folder per case: tmgen.yaml and tmgen.lock.json go in, generated/ must come out. UPDATE=1 writes the lock (where
// there is none) and the tree anew: read the difference before it is committed.
const folder = dirname(fileURLToPath(import.meta.url))
const update = process.env.UPDATE === '1'
const cases = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)

/** Build contexts and the schema follow the sources: they are tested elsewhere and would change with every edit. */
const inGolden = (path: string) => !path.startsWith('generated/images/') && path !== 'generated/tmgen.schema.json'

function filesBelow(dir: string): string[] {
  if (!existsSync(dir)) return []
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

describe.each(cases)('case %s', (name) => {
  const dir = join(folder, name)
  const parsed = parseConfig(readFileSync(join(dir, 'tmgen.yaml')), 'tmgen.yaml')
  const lockFile = join(dir, 'tmgen.lock.json')
  const before = existsSync(lockFile)
    ? parseLock(readFileSync(lockFile), 'tmgen.lock.json')
    : newLock('00c0ffee00c0ffee')
  const { deployment, lock } = resolve(parsed, before)
  const tree = render(deployment, inputs)
  const golden = new Map([...tree].filter(([path]) => inGolden(path)))

  if (update) {
    writeFileSync(lockFile, formatLock(lock))
    rmSync(join(dir, 'generated'), { recursive: true, force: true })
    for (const [path, { content, mode }] of golden) {
      mkdirSync(dirname(join(dir, path)), { recursive: true })
      writeFileSync(join(dir, path), content, { mode })
    }
  }

  it('keeps the lock as it is', () => {
    expect(formatLock(lock)).toBe(readFileSync(lockFile, 'utf8'))
  })

  it('gives exactly the files of the golden tree', () => {
    const onDisk = filesBelow(join(dir, 'generated')).map((path) => relative(dir, path))
    expect([...golden.keys()].sort()).toEqual(onDisk.sort())
  })

  it('gives the bytes and modes of the golden tree', () => {
    for (const [path, { content, mode }] of golden) {
      expect(String(content), path).toBe(readFileSync(join(dir, path), 'utf8'))
      expect((statSync(join(dir, path)).mode & 0o100) !== 0, `${path} runs`).toBe(mode === 0o755)
    }
  })

  it('gives the same bytes the next time', () => {
    expect(render(resolve(parsed, lock).deployment, inputs)).toEqual(tree)
  })
})
