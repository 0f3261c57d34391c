import { createHash } from 'node:crypto'

/*
 * What is known of the bands of one bundle: of each 16 bytes, so that 20,000 bands take 320 KB. Sorted by number:
 * number u32, day u16, stamp 5 bytes, hash 5 bytes. Five bytes tell a change that happened from none; they are no
 * protection against whoever makes one.
 */

/** Bytes of a record. */
const width = 16
/** Bands of one bundle that are remembered: 4 TiB at macOS' 8 MiB. */
export const mostRecords = 2 ** 19

/** What was wrong with a band when it was last read; it stands in place of the day. */
export const faults = { rot: 0xffff, unreadable: 0xfffe, oversize: 0xfffd } as const
export type Fault = keyof typeof faults
export const faultKinds = Object.keys(faults) as Fault[]

/** One band. */
export interface BandRecord {
  /** Its number: a name in hex. */
  band: number
  /** When it was last read well, in days since 1970, or what is wrong with it. */
  day: number | Fault
  /** 5 bytes over its size and times. */
  stamp: Uint8Array
  /** 5 bytes over its content. */
  hash: Uint8Array
}

const nothing = new Uint8Array(5)
/** Bytes of the head: a mark, and a hash of the records. */
const head = { mark: Buffer.from('tmgenbd1'), size: 24 }
export const maxLedgerBytes = head.size + mostRecords * width

export const faultOf = (day: number): Fault | undefined => faultKinds.find((kind) => faults[kind] === day)
/** ms since 1970 as a day. */
export const dayOf = (time: number) => Math.min(Math.max(0, Math.floor(time / 86_400_000)), 0xff00)
/** The first bytes of a SHA-256. */
export const short = (content: string | Uint8Array): Uint8Array =>
  content instanceof Uint8Array && content.length === 32 ? content.subarray(0, 5) : digest(content).subarray(0, 5)
const digest = (content: string | Uint8Array) => createHash('sha256').update(content).digest()

/** Records of bands, sorted by their number. */
export class Ledger {
  readonly bytes: Buffer

  private constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  static of(records: readonly BandRecord[]): Ledger {
    const sorted = [...records].sort((a, b) => a.band - b.band)
    return new Ledger(Buffer.concat(sorted.map(encode)))
  }

  /** Takes sorted records; `undefined` where they are not. */
  static from(bytes: Uint8Array): Ledger | undefined {
    const ledger = new Ledger(Buffer.from(bytes))
    if (bytes.length % width !== 0 || ledger.count > mostRecords) return undefined
    for (let at = 1; at < ledger.count; at++) if (ledger.band(at) <= ledger.band(at - 1)) return undefined
    return ledger
  }

  get count(): number {
    return this.bytes.length / width
  }

  band(at: number): number {
    return this.bytes.readUInt32BE(at * width)
  }

  /** As it is written: a day, or the number of a fault. */
  day(at: number): number {
    return this.bytes.readUInt16BE(at * width + 4)
  }

  /** Where a band stands; `undefined`: it is not known. */
  find(band: number): number | undefined {
    let [low, high] = [0, this.count - 1]
    while (low <= high) {
      const middle = (low + high) >> 1
      const found = this.band(middle)
      if (found === band) return middle
      if (found < band) low = middle + 1
      else high = middle - 1
    }
    return undefined
  }

  record(at: number): BandRecord {
    const [day, from] = [this.day(at), at * width]
    return {
      band: this.band(at),
      day: faultOf(day) ?? day,
      stamp: this.bytes.subarray(from + 6, from + 11),
      hash: this.bytes.subarray(from + 11, from + 16),
    }
  }

  /** With newer records, without the bands that are gone; what is over the bound is not taken. */
  merged(newer: Ledger, gone: ReadonlySet<number>): Ledger {
    const parts: Buffer[] = []
    const take = (ledger: Ledger, at: number) => {
      if (parts.length < mostRecords) parts.push(ledger.bytes.subarray(at * width, (at + 1) * width))
    }
    let next = 0
    for (let at = 0; at < this.count; at++) {
      const band = this.band(at)
      for (; next < newer.count && newer.band(next) < band; next++) take(newer, next)
      if (next < newer.count && newer.band(next) === band) take(newer, next++)
      else if (!gone.has(band)) take(this, at)
    }
    for (; next < newer.count; next++) take(newer, next)
    return new Ledger(Buffer.concat(parts))
  }
}

/** A record of a band that did not let itself be read, and of which nothing is known. */
export const unread = (band: number): BandRecord => ({ band, day: 'unreadable', stamp: nothing, hash: nothing })

function encode({ band, day, stamp, hash }: BandRecord): Buffer {
  const bytes = Buffer.alloc(width)
  bytes.writeUInt32BE(band, 0)
  bytes.writeUInt16BE(typeof day === 'number' ? day : faults[day], 4)
  bytes.set(stamp.subarray(0, 5), 6)
  bytes.set(hash.subarray(0, 5), 11)
  return bytes
}

/** A ledger as a file. */
export function fileOf(ledger: Ledger): Buffer {
  return Buffer.concat([head.mark, digest(ledger.bytes).subarray(0, 16), ledger.bytes])
}

/** `undefined` where the file is none, or rotten itself: then all is read anew, and nothing falsely told. */
export function fromFile(bytes: Uint8Array): Ledger | undefined {
  const file = Buffer.from(bytes)
  if (file.length < head.size || !file.subarray(0, 8).equals(head.mark)) return undefined
  const records = file.subarray(head.size)
  return digest(records).subarray(0, 16).equals(file.subarray(8, head.size)) ? Ledger.from(records) : undefined
}
