import type { ShareSeen } from '../observation/index.ts'

/** What the scanner is told on stdin, as JSON. It comes from the monitor itself and is trusted. */
export interface ScanRequest {
  /** The user's storage folder, absolute, and in it the share's. */
  storage: string
  mac: string
  /** ms since 1970. */
  now: number
  /** What the look before told: its counts of bands serve while they are good. */
  before?: ShareSeen
}

/** Bytes of a request, and of what is told. Four bundles with all notes at their longest take less than 64 KiB. */
export const maxBytes = { request: 512 * 1024, answer: 256 * 1024 }
