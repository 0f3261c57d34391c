import { parse, stringify } from 'yaml'

/** A stream of numbers that a seed gives again: mulberry32, in the public domain. */
export function random(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below) | 0
  }
}

type Random = ReturnType<typeof random>
const pick = <T>(from: readonly T[], next: Random): T => from[next(from.length)] as T

/** What cannot be taken apart is an error, without a warning on the terminal. */
const quiet = { logLevel: 'error' } as const

/** What parsers and careless code stumble over. */
const nasty = [
  ...[
    '',
    ' ',
    '~',
    'null',
    'true',
    'yes',
    '.nan',
    '.inf',
    '-0',
    '0x10',
    '0o17',
    '1e999',
    '9007199254740993',
    '-1',
    '1.5',
  ],
  ...[
    '&a',
    '*a',
    '&a [*a]',
    '<<: *a',
    '!!js/function "x"',
    '!!binary aGk=',
    '!!set {a}',
    '!x y',
    '? [a]',
    '|',
    '>-',
    '- -',
  ],
  ...[
    '---',
    '...',
    '%YAML 1.1',
    '# x',
    '\t',
    '"',
    "'",
    '"\\x"',
    '"\\u0000"',
    '{',
    '}',
    '[',
    ']',
    '{a: {',
    ',',
    ': ',
    '- ',
  ],
  ...[
    '__proto__',
    '__proto__: {version: 1}',
    'constructor',
    'toString',
    'hasOwnProperty',
    'x-note: 1',
    '$HOME',
    '$(A)',
    '%s',
  ],
  ...[
    '/',
    '//',
    '/..',
    '../..',
    '/a/../b',
    '/srv/\u0000',
    '\ufeff',
    '\u202e',
    '\u2028',
    'ä',
    '🙂',
    '10.0.0.0/0',
    '0.0.0.0/22',
  ],
  ...[
    '999.1.1.1/22',
    '::1',
    'http://',
    'https://a:b@c',
    'file:///etc/passwd',
    'javascript:0',
    '1T',
    '0T',
    '1e3T',
    '2026-01-02',
  ],
]
const values: unknown[] = [
  ...[null, true, 0, -1, 1.5, 1e308, 2 ** 53, '', 'x', 'alice', ' x ', 'a\nb', '/srv', 'x'.repeat(5000), [], {}, [[]]],
  ...[[null], { a: 1 }, { name: 'x' }, ['x', 'x'], { constructor: 1 }, JSON.parse('{"__proto__": {"users": []}}')],
]

const bytesOf = (text: string) => Buffer.from(text, 'utf8')
const splice = (bytes: Buffer, at: number, cut: number, put: Uint8Array) =>
  Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + cut)])

/** A byte, or some, changed, put in, taken out or cut off. */
function mutateBytes(bytes: Buffer, next: Random): Buffer {
  const at = next(bytes.length + 1)
  const some = Uint8Array.from({ length: 1 + next(4) }, () => next(256))
  switch (next(6)) {
    case 0:
      return splice(bytes, at, 1, some.subarray(0, 1))
    case 1:
      return splice(bytes, at, 0, some)
    case 2:
      return splice(bytes, at, 1 + next(40), new Uint8Array())
    case 3:
      return bytes.subarray(0, at)
    case 4:
      return splice(bytes, at, 0, bytes.subarray(next(bytes.length), next(bytes.length)))
    default:
      return splice(bytes, at, next(3), bytesOf(pick(nasty, next)))
  }
}

/** A line taken out, doubled, moved, indented, joined with the next, or given another value. */
function mutateLines(bytes: Buffer, next: Random, others: readonly Buffer[]): Buffer {
  const lines = bytes.toString('utf8').split('\n')
  const at = next(lines.length)
  const line = lines[at] ?? ''
  const foreign = pick(pick(others, next).toString('utf8').split('\n'), next)
  const put = (...now: string[]) => lines.splice(at, 1, ...now)
  const changes = [
    () => put(),
    () => put(line, line),
    () => lines.splice(next(lines.length), 0, ...put()),
    () => put(`${' '.repeat(1 + next(3))}${line}`),
    () => put(line.replace(/^ {1,2}/, '')),
    () => put(line + (lines.splice(at + 1, 1)[0] ?? '')),
    () => put(line, foreign),
    () => put(line.replace(/(:|-) .*$/, `$1 ${pick(nasty, next).replaceAll('$', '$$$$')}`)),
    () => put(line.replace(/[\w-]+:/, `${pick(nasty, next).replaceAll('$', '$$$$')}:`)),
    () => put(`${line}\r`),
    () => put(line, ...Array.from({ length: next(30) }, () => line)),
  ]
  pick(changes, next)()
  return bytesOf(lines.join('\n'))
}

/** Every place in a tree that holds a value. */
function placesOf(tree: unknown): { holder: Record<string, unknown>; key: string }[] {
  if (typeof tree !== 'object' || tree === null) return []
  const holder = tree as Record<string, unknown>
  return Object.keys(holder).flatMap((key) => [{ holder, key }, ...placesOf(holder[key])])
}

/** A value, key or branch of the tree replaced, taken out, renamed, doubled, nested or moved; then written as YAML or JSON. */
function mutateTree(bytes: Buffer, next: Random): Buffer {
  const tree = { root: parse(bytes.toString('utf8'), quiet) as unknown }
  const places = placesOf(tree)
  const { holder, key } = pick(places, next)
  const other = pick(places, next)
  const copy = structuredClone(other.holder[other.key])
  const put = (at: string, value: unknown) => {
    holder[at] = value
  }
  const changes = [
    () => put(key, pick(values, next)),
    () => (Array.isArray(holder) ? holder.splice(Number(key), 1) : delete holder[key]),
    () => put(key, copy),
    () => put(pick(nasty, next), holder[key]),
    () => put(key, [holder[key]]),
    () => put(key, { [key]: holder[key] }),
    () => (Array.isArray(holder) ? holder.push(structuredClone(holder[Number(key)])) : put(`${key}x`, copy)),
    () => {
      let deep: unknown = holder[key]
      for (let n = next(300); n > 0; n--) deep = n % 2 === 0 ? [deep] : { a: deep }
      holder[key] = deep
    },
  ]
  pick(changes, next)()
  const root = tree.root ?? null
  return bytesOf(next(4) === 0 ? JSON.stringify(root) : stringify(root, quiet))
}

/** One of the texts with one to three mutations; what can no longer be taken apart as a tree is changed as lines. */
export function mutate(texts: readonly Buffer[], next: Random): Buffer {
  let bytes = pick(texts, next)
  for (let left = 1 + next(3); left > 0; left--) {
    const kind = next(3)
    if (kind === 0) bytes = mutateBytes(bytes, next)
    else if (kind === 1) bytes = mutateLines(bytes, next, texts)
    else {
      try {
        bytes = mutateTree(bytes, next)
      } catch {
        bytes = mutateLines(bytes, next, texts)
      }
    }
  }
  return bytes
}
