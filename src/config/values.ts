import { z } from 'zod'
import { checkPath, checkQuota, checkUrl, reservedMacNames, reservedUserNames } from './rules.ts'

/** A string that `check` finds nothing wrong with; `pattern` is what the JSON Schema says of it, for editors. */
const checked = (check: (text: string) => string | undefined, pattern: string) =>
  z
    .string()
    .superRefine((text, ctx) => {
      const fault = check(text)
      if (fault !== undefined) ctx.addIssue({ code: 'custom', message: fault })
    })
    .meta({ pattern })

/** A DNS label short enough for Linux user names (32) and for `tm-NAME`. */
export const label = z
  .string()
  .regex(
    /^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$/,
    'must be a DNS label: a-z, 0-9 and -, a letter first, no - last, at most 30 characters',
  )

export const userName = label
  .refine((n) => !reservedUserNames.has(n), 'is reserved: it means something to Linux, Samba or the stack')
  .describe('Name of the person; the node is tm-NAME')
export const macName = label
  .refine((n) => !reservedMacNames.has(n), 'is reserved: it means something to Samba')
  .describe('Name of the Mac; also the name of its share')

export const quota = checked(checkQuota, '^[0-9]{1,15}[KMGTP]$').describe(
  'Size limit that Time Machine keeps: digits and one of K, M, G, T, P (powers of 1024), for example 1T',
)
export const absolutePath = checked(checkPath, '^/.*[^/]$')
export const url = checked(checkUrl, '^https?://[^\\s/?#@]+(/[^\\s?#]*)?$').overwrite((text) =>
  text.replace(/\/+$/, ''),
)
export const tag = z
  .string()
  .regex(/^tag:[a-z][a-z0-9-]{0,60}$/, 'must look like tag:name')
  .refine((t) => t !== 'tag:tmgen' && !t.startsWith('tag:tm-'), 'is reserved for the nodes that tmgen makes')
export const login = z
  .string()
  .regex(
    /^[^\s\p{Cc}:*,"'\\-][^\s\p{Cc}:*,"'\\]{0,253}$/u,
    'must be a login of the tailnet, for example alice@example.com',
  )
  .describe('Login in the tailnet, for example alice@example.com')
export const image = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._/:@-]{0,254}$/, 'must be an image reference, for example debian:trixie-slim')
