import { z } from 'zod'
import { withHint } from './fault.ts'
import { absolutePath, duration, url } from './values.ts'

/** Tailscale's longest expiry of an auth key is 90 days. */
const keyExpiry = duration('1h', '90d', '72h')
  .default('72h')
  .describe('How long a new auth key can be used to enrol its node')

const controlServer = url
  .default('https://controlplane.tailscale.com')
  .describe('Control server that the nodes register with')

const tls = z
  .discriminatedUnion('mode', [
    z.strictObject({
      mode: z.literal('own').describe('Files of your own on the Docker host'),
      cert: absolutePath.describe('Certificate chain, PEM'),
      key: absolutePath.describe('Private key, PEM'),
    }),
    z.strictObject({
      mode: z.literal('acme').describe('Let’s Encrypt; needs port 443 reachable from the internet'),
      email: z
        .string()
        .regex(/^[^\s@]+@[^\s@]+$/, withHint('must be an e-mail address', 'for example admin@example.com'))
        .describe('Address for notices of the certificate authority'),
    }),
  ])
  .optional()
  .describe('Certificate of an https URL')

const names = (what: string) => z.array(z.string().min(1).max(254)).default([]).describe(what)

const oidc = z
  .strictObject({
    issuer: url.describe('URL of the identity provider'),
    clientId: z.string().min(1).max(254).describe('Client id that the identity provider gave'),
    secretFile: absolutePath.describe(
      'File on the Docker host with the client secret, which nobody but the owner of the workspace can read',
    ),
    scopes: z.array(z.string().min(1).max(254)).default(['openid', 'profile', 'email']).describe('OIDC scopes'),
    allowedDomains: names('Lets in nobody but people whose e-mail is of these domains'),
    allowedUsers: names('Lets in nobody but people with these e-mails'),
    allowedGroups: names('Lets in nobody but members of these groups'),
    pkce: z.boolean().default(true).describe('Use PKCE (S256); false for a provider that does not know it'),
  })
  .optional()
  .describe('Macs sign in at an identity provider; logins are the e-mails that it tells')

/** Who hands out auth keys, and where the control server is. */
export const controlSchema = z
  .discriminatedUnion('provider', [
    z.strictObject({
      provider: z.literal('tailscale').describe('Tailscale; keys are minted through its API'),
      api: url.default('https://api.tailscale.com').describe('Base URL of the API'),
      url: controlServer,
      tailnet: z
        .string()
        .regex(
          /^[A-Za-z0-9._@-]{1,253}$/,
          withHint('must be the name of a tailnet, or -', 'the admin console shows it, for example example.com'),
        )
        .default('-')
        .describe('Tailnet name; - is the one that the credential belongs to'),
      keyExpiry,
    }),
    z.strictObject({
      provider: z.literal('headscale').describe('A Headscale server of your own, 0.26 to 0.29'),
      url: url.describe('URL of the Headscale server'),
      keyExpiry,
    }),
    z.strictObject({
      provider: z.literal('embedded').describe('A Headscale that tmgen runs in the same compose stack'),
      url: url.describe('URL under which Macs reach this Headscale; http only inside a LAN (no relay then)'),
      tls,
      oidc,
      baseDomain: z
        .string()
        .max(200)
        .regex(
          /^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]+$/,
          withHint('must be a domain name of at least two labels', 'for example tailnet.internal'),
        )
        .default('tailnet.internal')
        .describe('MagicDNS domain of the tailnet'),
      keyExpiry,
    }),
    z.strictObject({
      provider: z.literal('manual').describe('You make the auth keys; tmgen takes them with --auth-key-file'),
      url: controlServer,
      keyExpiry,
    }),
  ])
  .describe('Who hands out auth keys')
