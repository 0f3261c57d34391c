import type { Format } from '../migration.ts'

/**
 * Versions of tmgen.yaml. A step takes the text and gives the text of the next version, `version:` included: like an
 * edit, it keeps comments and every byte that it is not about. Version 1 is the first.
 */
export const configFormat: Format<string> = { version: 1, migrations: [] }
