import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { parseConfig } from '../../src/config/index.ts'
import { headscaleConfig, headscaleText, oidcSecret } from '../../src/render/headscale.ts'
import { newLock, resolve } from '../../src/resolve/index.ts'
import { headscaleBinary } from './support/headscale-binary.ts'
import { freePort, waitFor } from './support/index.ts'

// The configuration that tmgen renders, in a real Headscale on loopback, with the identity provider that Headscale brings
// for its own tests. Paths and TLS are replaced: there is no container around it.
const dir = mkdtempSync(join(tmpdir(), 'tmgen-oidc-'))
const secret = 'a-client-secret'
const running: ChildProcess[] = []
let binary = ''
let url = ''
let issuer = ''

function start(log: string, args: string[], env: Record<string, string> = {}): void {
  const out = openSync(join(dir, log), 'w')
  running.push(spawn(binary, args, { stdio: ['ignore', out, out], env: { ...process.env, ...env } }))
}

beforeAll(async () => {
  binary = headscaleBinary(dir)
  const [port, debug, stun, idp] = [await freePort(), await freePort(), await freePort(), await freePort()]
  url = `http://127.0.0.1:${port}`
  issuer = `http://127.0.0.1:${idp}/oidc`
  start('idp.log', ['mockoidc'], {
    MOCKOIDC_CLIENT_ID: 'tmgen',
    MOCKOIDC_CLIENT_SECRET: secret,
    MOCKOIDC_ADDR: '127.0.0.1',
    MOCKOIDC_PORT: String(idp),
    MOCKOIDC_USERS: JSON.stringify([
      { Subject: 's1', Email: 'alice@example.com', EmailVerified: true, PreferredUsername: 'alice' },
      { Subject: 's2', Email: 'eve@elsewhere.example', EmailVerified: true, PreferredUsername: 'eve' },
    ]),
  })
  await waitFor('the identity provider', async () => {
    return (await fetch(`${issuer}/.well-known/openid-configuration`).catch(() => undefined))?.ok === true
  })
  const text = `version: 1
workspace: tm
control:
  provider: embedded
  url: https://hs.example.com
  tls: {mode: own, cert: /c.pem, key: /k.pem}
  oidc: {issuer: ${issuer}, clientId: tmgen, secretFile: /etc/oidc-secret, allowedDomains: [example.com]}
storage: {root: /srv/tm}
network: {subnet: 10.77.0.0/22}
users: []
`
  const { deployment } = resolve(parseConfig(new TextEncoder().encode(text), 'tmgen.yaml'), newLock('00c0ffee00c0ffee'))
  const rendered = headscaleText(deployment, headscaleConfig(deployment))
  expect(rendered).not.toContain(secret)
  writeFileSync(join(dir, 'secret'), `${secret}\n`, { mode: 0o600 })
  const config = parse(
    rendered.replace(oidcSecret, join(dir, 'secret')).replaceAll(/\/var\/(lib|run)\/headscale/g, dir),
  )
  delete config.tls_cert_path
  delete config.tls_key_path
  const here = {
    ...{ server_url: url, listen_addr: `127.0.0.1:${port}`, metrics_listen_addr: `127.0.0.1:${debug}` },
    grpc_listen_addr: '127.0.0.1:0',
  }
  config.derp.server.stun_listen_addr = `127.0.0.1:${stun}`
  writeFileSync(join(dir, 'config.yaml'), JSON.stringify({ ...config, ...here }))
  start('serve.log', ['-c', join(dir, 'config.yaml'), 'serve'])
  await waitFor('Headscale', async () => (await fetch(`${url}/health`).catch(() => undefined))?.ok === true)
})

afterAll(async () => {
  for (const child of running) {
    const ended = new Promise((done) => child.once('exit', done))
    if (child.exitCode === null) {
      child.kill('SIGKILL')
      await ended
    }
  }
  rmSync(dir, { recursive: true, force: true })
})

const users = (): { name: string; email?: string; provider?: string }[] =>
  JSON.parse(
    execFileSync(binary, ['-c', join(dir, 'config.yaml'), 'users', 'list', '-o', 'json'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  ) ?? []

/** What a browser does with the page that a Mac opens; each sign-in is the provider's next user. */
async function signIn(): Promise<Response> {
  const first = await fetch(`${url}/register/hskey-authreq-${'a'.repeat(24)}`, { redirect: 'manual' })
  const cookie = first.headers
    .getSetCookie()
    .map((one) => one.split(';')[0])
    .join('; ')
  const asked = new URL(first.headers.get('location') ?? '')
  expect(asked.href.startsWith(issuer)).toBe(true)
  expect(Object.fromEntries(asked.searchParams)).toMatchObject({
    client_id: 'tmgen',
    scope: 'openid profile email',
    redirect_uri: `${url}/oidc/callback`,
    code_challenge_method: 'S256',
  })
  const back = await fetch(asked, { redirect: 'manual' })
  return fetch(back.headers.get('location') ?? '', { redirect: 'manual', headers: { cookie } })
}

test('a person signs in with the secret out of the file, and the e-mail is the login; others are refused', async () => {
  const answer = await signIn()
  expect(users(), readFileSync(join(dir, 'serve.log'), 'utf8')).toMatchObject([
    { name: 'alice', email: 'alice@example.com', provider: 'oidc' },
  ])
  expect(answer.status).toBeLessThan(500)
  expect((await signIn()).status).toBeGreaterThanOrEqual(400)
  expect(users()).toHaveLength(1)
})
