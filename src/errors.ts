/** The closed list of error codes; docs/reference/errors.md explains each. */
export const errorCodes = [
  'usage', // wrong flags or arguments (exit 2)
  'config-syntax', // tmgen.yaml is no YAML, too big, or not UTF-8
  'config-invalid', // tmgen.yaml parses, but a value is not allowed
  'config-missing', // no workspace here
  'lock-invalid', // tmgen.lock.json is corrupt or from a newer tmgen
  'lock-lost', // the lock is missing or older than the state beside it
  'capacity', // subnet, UDP range or UID range is too small
  'network', // subnet or port clashes with something on this host
  'storage', // a storage path is missing, foreign, or overlaps another
  'drift', // a generated file was changed by hand
  'busy', // another tmgen holds the run lock
  'disk', // reading or writing failed (full, read-only, permission)
  'control-auth', // the control plane refused our credential
  'control-unreachable', // no answer from the control plane
  'control-refused', // the control plane refused the request (tags, policy)
  'control-changed', // what is in the control plane was changed by somebody else meanwhile
  'control-foreign', // a user, tag or node exists that is not ours
  'secret', // a key or password is missing or unreadable
  'host', // another host had the workspace last, and may still run it
  'backup', // a backup file cannot be opened, or is not one
  'docker', // docker or compose is missing or failed
  'render', // a rendered file did not parse back (a bug in tmgen)
] as const

export type ErrorCode = (typeof errorCodes)[number]

/** A place in a text file; line and column count from 1, `text` is the whole line. */
export interface Place {
  file: string
  line: number
  column: number
  text: string
}

/** An error meant for people: one line of what and where, and a hint of what to do. Never holds a secret. */
export class TmgenError extends Error {
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly place: Place | undefined

  constructor(code: ErrorCode, message: string, extra: { hint?: string; place?: Place; cause?: unknown } = {}) {
    super(message, extra.cause === undefined ? undefined : { cause: extra.cause })
    this.name = 'TmgenError'
    this.code = code
    this.hint = extra.hint
    this.place = extra.place
  }
}

/** Several errors found in one pass (a config has them all shown at once). */
export class TmgenErrors extends Error {
  readonly errors: readonly TmgenError[]

  constructor(errors: readonly TmgenError[]) {
    super(errors.map((e) => e.message).join('\n'))
    this.name = 'TmgenErrors'
    this.errors = errors
  }
}
