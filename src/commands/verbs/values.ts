import { InvalidArgumentError } from 'commander'
import { checkQuota } from '../../config/rules.ts'

/** A repeatable option. */
export const collect = (value: string, before: string[] | undefined) => [...(before ?? []), value]

/** A quota as the config takes it. */
export function quota(text: string): string {
  const fault = checkQuota(text)
  if (fault !== undefined) throw new InvalidArgumentError(fault)
  return text
}
