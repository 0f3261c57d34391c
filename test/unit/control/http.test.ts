import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Call, type HttpOptions, makeHttp } from '../../../src/control/http.ts'
import { Secret } from '../../../src/secret.ts'
import { type StandIn, startStandIn } from '../../support/tailscale-api/server.ts'
import { faultOf } from './helper.ts'

let standIn: StandIn
const slept: number[] = []
beforeEach(async () => {
  standIn = await startStandIn()
  slept.length = 0
})
afterEach(() => standIn.stop())

const client = (extra: Partial<HttpOptions> = {}) =>
  makeHttp({
    fetch,
    base: standIn.url,
    system: 'Tailscale',
    variable: 'TMGEN_TAILSCALE_API_KEY',
    authorization: async () => new Secret(`Bearer ${standIn.state.apiKey}`),
    sleep: async (ms) => void slept.push(ms),
    now: () => new Date('2026-01-01T00:00:00Z'),
    timeoutMs: 2000,
    ...extra,
  })
const keys = {
  method: 'GET',
  path: '/api/v2/tailnet/-/keys',
  schema: z.object({ keys: z.array(z.unknown()) }),
} as const
const post: Call<unknown> = { method: 'POST', path: keys.path, json: {}, schema: z.unknown() }

describe('the JSON client', () => {
  it('gives the parsed answer', async () => {
    expect((await client()(keys)).value).toEqual({ keys: [] })
  })

  it.each([401, 403])('maps %i to control-auth and names the variable, never the credential', async (status) => {
    standIn.fail(/keys/, { status, message: `bad token ${standIn.state.apiKey}` })
    const fault = await faultOf(client()(keys))
    expect(fault).toMatchObject({ code: 'control-auth', hint: expect.stringContaining('TMGEN_TAILSCALE_API_KEY') })
    expect(fault.message).toContain(`${status}: bad token [secret]`)
    expect(fault.message + fault.stack + JSON.stringify(fault)).not.toContain('stand-in-0123')
  })

  it.each([
    ['a server that is gone', 'http:', /http:\/\/127\.0\.0\.1:\d+: connection refused \(ECONNREFUSED\)/],
    ['a server without TLS behind https', 'https:', /it does not speak TLS/],
  ])('says URL and cause: %s', async (_, scheme, message) => {
    if (scheme === 'http:') await standIn.stop()
    const at = standIn.url.replace('http:', scheme)
    expect(await faultOf(client({ base: at })(keys))).toMatchObject({
      code: 'control-unreachable',
      message: expect.stringMatching(message),
    })
  })

  it('says that a name cannot be resolved', async () => {
    const cause = Object.assign(new Error('getaddrinfo ENOTFOUND h.example'), { code: 'ENOTFOUND' })
    const failing = async () => Promise.reject(new TypeError('fetch failed', { cause }))
    const fault = await faultOf(client({ fetch: failing })(keys))
    expect(fault.message).toContain('cannot be resolved (ENOTFOUND)')
  })

  it('gives up on a server that does not answer in time', async () => {
    standIn.fail(/keys/, { hang: true })
    const fault = await faultOf(client({ timeoutMs: 50 })(keys))
    expect(fault).toMatchObject({
      code: 'control-unreachable',
      message: expect.stringContaining('nothing within 0.05 s'),
    })
  })

  it.each([{ halfBody: true as const }, { reset: true as const }])('reports a broken answer: %o', async (fault) => {
    standIn.fail(/keys/, fault)
    expect(await faultOf(client()(keys))).toMatchObject({ code: 'control-unreachable' })
  })

  it.each([
    ['HTML', '<html>log in</html>'],
    ['half a JSON', '{"keys": ['],
    ['JSON of another shape', '{"keys": 3}'],
  ])('refuses an answer that is %s, and shows none of it', async (_, body) => {
    standIn.fail(/keys/, { body })
    const fault = await faultOf(client()(keys))
    expect(fault).toMatchObject({ code: 'control-refused', message: expect.stringContaining('unexpected answer') })
    expect(fault.message).not.toContain(body)
  })

  it('stops reading an answer at 4 MiB', async () => {
    let sent = 0
    const long = new ReadableStream({
      pull: (stream) => {
        sent += 1
        if (sent > 50) stream.close()
        else stream.enqueue(new Uint8Array(1024 * 1024))
      },
    })
    const fault = await faultOf(client({ fetch: async () => new Response(long) })(keys))
    expect(fault).toMatchObject({ code: 'control-refused', message: expect.stringContaining('larger than') })
    expect(sent).toBeLessThan(10)
  })

  it('follows no redirect, so that the credential goes nowhere else', async () => {
    standIn.fail(/keys/, { status: 307, headers: { location: `${standIn.url}/elsewhere` } })
    expect(await faultOf(client()(keys))).toMatchObject({ message: expect.stringContaining('redirect (307)') })
    expect(standIn.requests).toHaveLength(1)
  })

  it('waits as long as Retry-After says and asks again, for a GET', async () => {
    standIn.fail(/keys/, { status: 429, headers: { 'retry-after': '7' } }, 2)
    expect((await client()(keys)).value).toEqual({ keys: [] })
    expect(slept).toEqual([7000, 7000])
  })

  it('never repeats a POST', async () => {
    standIn.fail(/keys/, { status: 429, headers: { 'retry-after': '7' } })
    expect(await faultOf(client()(post))).toMatchObject({ code: 'control-refused', hint: 'try again in 7 s' })
    expect(standIn.requests).toHaveLength(1)
  })

  it('gives up after three retries', async () => {
    standIn.fail(/keys/, { status: 429 }, 9)
    await faultOf(client()(keys))
    expect(standIn.requests).toHaveLength(4)
    expect(slept).toEqual([1000, 1000, 1000])
  })

  it('does not wait for minutes, but says how long it would be', async () => {
    standIn.fail(/keys/, { status: 429, headers: { 'retry-after': 'Thu, 01 Jan 2026 00:10:00 GMT' } })
    expect(await faultOf(client()(keys))).toMatchObject({ hint: 'try again in 600 s' })
    expect(slept).toEqual([])
  })

  const changing = ['POST', 'PUT', 'DELETE'] as const
  it.each(
    changing,
  )('says after a %s without a whole answer that it may have been carried out, and sends no other', async (method) => {
    for (const fault of [{ hang: true }, { halfBody: true }, { reset: true }] as const) {
      standIn.requests.length = 0
      standIn.fail(/keys/, fault)
      expect(await faultOf(client({ timeoutMs: 100 })({ ...post, method }))).toMatchObject({
        code: 'control-unreachable',
        hint: expect.stringContaining('the next run looks whether the request was carried out'),
      })
      expect(standIn.requests).toEqual([`${method} ${keys.path}`])
    }
  })

  it.each(['POST', 'PUT'] as const)('repeats a %s neither after 429 nor after a 5xx', async (method) => {
    for (const status of [429, 500, 502, 503, 504]) {
      standIn.requests.length = 0
      standIn.fail(/keys/, { status, headers: { 'retry-after': '1' } })
      await faultOf(client()({ ...post, method }))
      expect(standIn.requests).toHaveLength(1)
    }
    expect(slept).toEqual([])
  })

  it('repeats a DELETE after 429: it was not carried out', async () => {
    standIn.fail(/keys/, { status: 429, headers: { 'retry-after': '2' } })
    expect(await faultOf(client()({ ...post, method: 'DELETE', path: `${keys.path}/k1` }))).toMatchObject({
      message: expect.stringContaining('404'),
    })
    expect([standIn.requests.length, slept]).toEqual([2, [2000]])
  })

  it('lets the caller look at a refusal first, as it must for 404, 409 and 412', async () => {
    for (const status of [404, 409, 412]) {
      standIn.fail(/keys/, { status, message: 'mine' })
      const onRefusal = (refusal: object) => ({ value: refusal })
      expect((await client()({ ...post, onRefusal })).value).toEqual({ status, message: 'mine' })
    }
  })

  it.each([
    [404, 'control-refused'],
    [408, 'control-unreachable'],
    [409, 'control-refused'],
    [412, 'control-refused'],
    [500, 'control-refused'],
    [502, 'control-unreachable'],
    [503, 'control-unreachable'],
    [504, 'control-unreachable'],
  ])('reports a %i', async (status, code) => {
    standIn.fail(/keys/, { status, message: 'two\nlines' })
    expect(await faultOf(client()(keys))).toMatchObject({
      code,
      message: expect.stringContaining(`${status}: two lines`),
    })
  })

  it('takes the answer of Headscale 0.26 to a wrong key for what it is, and no other 500', async () => {
    const answering = (body: string) => client({ fetch: async () => new Response(body, { status: 500 }) })(keys)
    expect(await faultOf(answering('Unauthorized'))).toMatchObject({ code: 'control-auth' })
    expect(await faultOf(answering('{"message": "Unauthorized node"}'))).toMatchObject({ code: 'control-refused' })
  })

  it('refuses a URL that holds a password', () => {
    expect(() => client({ base: 'https://me:hunter2@h.example' })).toThrow(/must not hold a user name or password/)
  })
})
