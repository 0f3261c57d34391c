import { type ErrorCode, type Place, TmgenError } from '../errors.ts'

/** A TmgenError where place and hint may be unknown. */
export function makeError(code: ErrorCode, message: string, place?: Place, hint?: string): TmgenError {
  return new TmgenError(code, message, {
    ...(place === undefined ? {} : { place }),
    ...(hint === undefined || hint === '' ? {} : { hint }),
  })
}

/** The way a schema message carries its hint: behind a line break. */
export function withHint(message: string, hint: string): string {
  return `${message}\n${hint}`
}

/** Message and hint of a schema message. */
export function splitHint(text: string): [message: string, hint: string | undefined] {
  const [message = '', hint] = text.split('\n')
  return [message, hint]
}

/** Errors with a place first, by line and column; equal places keep their order. */
export function sortByPlace(errors: readonly TmgenError[]): TmgenError[] {
  const line = (e: TmgenError): number => e.place?.line ?? Number.MAX_SAFE_INTEGER
  return [...errors].sort((a, b) => line(a) - line(b) || (a.place?.column ?? 0) - (b.place?.column ?? 0))
}
