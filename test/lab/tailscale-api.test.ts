import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { device } from '../support/tailscale-api/devices.ts'
import { startStandIn } from '../support/tailscale-api/server.ts'

// Tailscale itself cannot run here: its official Go client keeps the stand-in honest.
const dir = mkdtempSync(join(tmpdir(), 'tmgen-tailscale-'))
const client = join(dir, 'officialclient')
const source = new URL('../support/tailscale-api/officialclient', import.meta.url).pathname

beforeAll(() => {
  execFileSync('go', ['build', '-mod=readonly', '-o', client, '.'], {
    cwd: source,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

describe('the stand-in of the Tailscale API', () => {
  it.each(['an API key', 'an OAuth client'])('is what the official client expects, with %s', async (kind) => {
    const standIn = await startStandIn()
    standIn.state.devices.push(device('tm-alice', { tags: ['tag:tm-alice'] }))
    const { apiKey, client: oauth, tailnet } = standIn.state
    const credential =
      kind === 'an API key' ? { API_KEY: apiKey } : { CLIENT_ID: oauth.id, CLIENT_SECRET: oauth.secret }
    try {
      const env = { PATH: process.env.PATH, ...credential }
      const { stdout } = await promisify(execFile)(client, [standIn.url, tailnet], { env })
      expect(stdout.trim()).toBe('ok')
    } finally {
      await standIn.stop()
    }
  })
})
