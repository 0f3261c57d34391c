import { z } from 'zod'
import { withHint } from './fault.ts'
import { checkPath, checkQuota, checkUrl, durationSeconds, reservedMacNames, reservedUserNames } from './rules.ts'

/** A string that `check` finds nothing wrong with; `pattern` is what the JSON Schema says of it, for editors. */
const checked = (check: (text: string) => string | undefined, pattern: string, hint: string) =>
  z
    .string()
    .superRefine((text, ctx) => {
      const fault = check(text)
      if (fault !== undefined) ctx.addIssue({ code: 'custom', message: withHint(fault, hint) })
    })
    .meta({ pattern })

const unitOrder = 'mhd'

/**
 * A time between two others: digits and a letter (m, h, d).
 * @param usual an example for the hint: the default, so that who pastes it changes nothing
 */
export function duration(least: string, longest: string, usual: string) {
  const units = [...unitOrder].filter((unit) => [least.at(-1), longest.at(-1), 'h'].includes(unit))
  const pattern = `^[1-9]\\d{0,3}[${units.join('')}]$`
  const form = `digits and ${units.slice(0, -1).join(', ')} or ${units.at(-1)}, ${least} to ${longest}`
  const fault = withHint(`must be ${form}`, `for example ${usual}`)
  const [from, to] = [durationSeconds(least), durationSeconds(longest)]
  const isGood = (text: string) =>
    new RegExp(pattern).test(text) && durationSeconds(text) >= from && durationSeconds(text) <= to
  return z.string({ error: fault }).refine(isGood, fault).meta({ pattern, title: form })
}

/** A DNS label short enough for Linux user names (32) and for `tm-NAME`. */
export const label = z
  .string()
  .regex(
    /^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$/,
    withHint('must be a DNS label of at most 30 characters', 'use a-z, 0-9 and -; a letter first, no - at the end'),
  )

export const userName = label
  .refine(
    (n) => !reservedUserNames.has(n),
    withHint('is reserved: it means something to Linux, Samba or the stack', 'choose another name'),
  )
  .describe('Name of the person; the node is tm-NAME')
export const macName = label
  .refine((n) => !reservedMacNames.has(n), withHint('is reserved: it means something to Samba', 'choose another name'))
  .describe('Name of the Mac; also the name of its share')

export const quota = checked(checkQuota, '^[0-9]{1,15}[KMGTP]$', 'write 500G or 1T; for 1.5T write 1536G').describe(
  'Size limit that Time Machine keeps: digits and one of K, M, G, T, P (powers of 1024), for example 1T',
)
export const absolutePath = checked(checkPath, '^/.*[^/]$', 'write it like /srv/timemachine')
export const url = checked(
  checkUrl,
  '^https?://[^\\s/?#@]+(/[^\\s?#]*)?$',
  'write it like https://headscale.example.com, without user, query or fragment',
).overwrite((text) => text.replace(/\/+$/, ''))
export const tag = z
  .string()
  .regex(/^tag:[a-z][a-z0-9-]{0,60}$/, withHint('must look like tag:name', 'use a-z, 0-9 and - after tag:'))
  .refine(
    (t) => t !== 'tag:tmgen' && !t.startsWith('tag:tm-'),
    withHint('is reserved for the nodes that tmgen makes', 'give managed Macs a tag of their own'),
  )
export const login = z
  .string()
  .regex(
    /^[^\s\p{Cc}:*,"'-][^\s\p{Cc}:*,"'\\]{0,253}$/u,
    withHint('must be a login of the tailnet', 'write it as the control plane shows it: alice@example.com'),
  )
  .describe('Login in the tailnet, for example alice@example.com')
/** A login or a tag, as the `operators` of the dashboard mix them. */
export const loginOrTag = z
  .string()
  .superRefine((text, ctx) => {
    const { error } = (text.startsWith('tag:') ? tag : login).safeParse(text)
    for (const { message } of error?.issues ?? []) ctx.addIssue({ code: 'custom', message })
  })
  .describe('Login in the tailnet, or tag:name')
export const image = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._/:@-]{0,254}$/,
    withHint('must be an image reference', 'write it like debian:trixie-slim'),
  )
