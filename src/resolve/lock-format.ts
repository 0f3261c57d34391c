import type { Format } from '../migration.ts'

/**
 * Versions of tmgen.lock.json. A step takes the whole JSON of its version; it never deals a number anew. Version 1 is the
 * first: the next one comes with its step from 1.
 */
export const lockFormat: Format<Record<string, unknown>> = { version: 1, migrations: [] }
