/** A value of a property list. Dictionaries are Maps: their keys come from outside. */
export type Plist = string | number | boolean | Date | Plist[] | Map<string, Plist>

/** Why a property list was not read. */
export class PlistFault extends Error {}

/** Levels that are followed; what backupd writes has four. */
const deepest = 16
const blank = /[ \t\r\n]*/y
const head = /(?:<\?xml[^<>]*\?>\s*)?(?:<!DOCTYPE plist[^<>[\]]*>\s*)?<plist(?:\s[^<>]*)?>/y
const tag = /<(dict|array|key|string|date|integer|real|data|true|false)(\/?)>/y
const text = /([^<]*)<\/([a-z]+)>/y
const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/**
 * Reads an XML property list, strictly: no DTD of its own, no other elements, no comments, no binary form.
 * @param bytes already bounded in size by the caller
 * @throws PlistFault with the reason
 */
export function parsePlist(bytes: Uint8Array): Plist {
  if (Buffer.from(bytes.subarray(0, 6)).toString('latin1') === 'bplist') throw new PlistFault('binary plist: not read')
  let source: string
  try {
    source = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new PlistFault('not UTF-8')
  }
  return new Reader(source).whole()
}

class Reader {
  #at = 0
  readonly #source: string

  constructor(source: string) {
    this.#source = source
  }

  whole(): Plist {
    if (!this.#take(head)) throw new PlistFault('no XML property list')
    const value = this.#value(this.#open(), 0)
    this.#blank()
    if (!this.#skip('</plist>')) throw new PlistFault('cut short')
    return value
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#source)
    if (!found) return undefined
    this.#at = pattern.lastIndex
    return found
  }

  #skip(word: string): boolean {
    if (!this.#source.startsWith(word, this.#at)) return false
    this.#at += word.length
    return true
  }

  #blank(): void {
    this.#take(blank)
  }

  /** The next opening tag; `/` after the name: nothing is in it. */
  #open(): string {
    this.#blank()
    const found = this.#take(tag)
    if (!found) throw new PlistFault(this.#at >= this.#source.length ? 'cut short' : 'an unexpected element')
    return `${found[1]}${found[2]}`
  }

  #text(name: string): string {
    const found = this.#take(text)
    if (found?.[2] !== name) throw new PlistFault(`a faulty <${name}>`)
    return (found[1] ?? '').replace(/&(#x[0-9a-fA-F]{1,6}|#\d{1,7}|[a-z]{2,4});/g, (all, name: string) =>
      entity(all, name),
    )
  }

  #value(name: string, depth: number): Plist {
    if (depth > deepest) throw new PlistFault('nested too deeply')
    switch (name) {
      case 'true/':
        return true
      case 'false/':
        return false
      case 'dict/':
        return new Map()
      case 'array/':
        return []
      case 'string/':
      case 'data/':
        return ''
      case 'dict':
        return this.#dict(depth)
      case 'array':
        return this.#array(depth)
      case 'string':
      case 'data':
        return this.#text(name)
      case 'date':
        return date(this.#text(name))
      case 'integer':
      case 'real':
        return number(this.#text(name))
      default:
        throw new PlistFault(`<${name}> where a value should be`)
    }
  }

  #dict(depth: number): Map<string, Plist> {
    const dict = new Map<string, Plist>()
    for (;;) {
      this.#blank()
      if (this.#skip('</dict>')) return dict
      if (this.#open() !== 'key') throw new PlistFault('a value without a key')
      const key = this.#text('key')
      dict.set(key, this.#value(this.#open(), depth + 1))
    }
  }

  #array(depth: number): Plist[] {
    const array: Plist[] = []
    for (;;) {
      this.#blank()
      if (this.#skip('</array>')) return array
      array.push(this.#value(this.#open(), depth + 1))
    }
  }
}

function entity(all: string, name: string): string {
  if (!name.startsWith('#')) return entities[name] ?? all
  const code = name.startsWith('#x') ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1))
  return code <= 0x10ffff ? String.fromCodePoint(code) : all
}

function date(text: string): Date {
  const value = new Date(text.trim())
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text.trim()) || Number.isNaN(value.getTime()))
    throw new PlistFault('a faulty <date>')
  return value
}

function number(text: string): number {
  const value = Number(text.trim())
  if (text.trim() === '' || !Number.isFinite(value)) throw new PlistFault('a faulty number')
  return value
}
