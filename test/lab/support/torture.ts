import type { Container } from './container.ts'

/** How one test of a suite ended. */
export type Outcome = 'success' | 'failure' | 'error' | 'skip'

export interface Suite {
  /** As smbtorture names it: `smb2.lease`. */
  name: string
  share: string
}

/** Outcomes of a suite by test, `smb2.lease.request`, with what the failures said. */
export interface Results {
  outcomes: Map<string, Outcome>
  reasons: Map<string, string>
}

/**
 * Runs one suite of smbtorture against //host/suite.share and a second share `plain`. The login is in the client's
 * /run/torture.auth (see writeAuth). A suite that crashes, hangs longer than `limit` seconds or leaves a test without
 * an end throws.
 */
export async function runSuite(client: Container, host: string, suite: Suite, limit = 360): Promise<Results> {
  // Some suites leave files where they run.
  const place = (await client.must(['mktemp', '-d', '/tmp/torture-XXXXXX'])).trim()
  const target = [`//${host}/${suite.share}`, '-A', '/run/torture.auth', '-m', 'SMB3']
  const options = ['--option=torture:share2=plain', '--option=torture:progress=no']
  const ran = await client.exec(
    [
      ...['sh', '-c', 'cd "$0" && exec "$@"', place, 'timeout', '-k', '5', String(limit)],
      ...['smbtorture', ...target, ...options, suite.name],
    ],
    { timeout: (limit + 30) * 1000 },
  )
  await client.must(['rm', '-rf', place])
  try {
    return readResults(suite.name, ran.stdout, ran.code)
  } catch (error) {
    throw new Error(`${suite.name} at ${host}: ${error}\n${ran.stdout.slice(-2000)}${ran.stderr.slice(-1000)}`)
  }
}

/** Puts a login where runSuite looks for it; it travels by stdin. */
export async function writeAuth(client: Container, login: { user: string; password: string }): Promise<void> {
  await client.must(['sh', '-c', 'umask 077; cat > /run/torture.auth'], {
    input: `username = ${login.user}\npassword = ${login.password}\ndomain = WORKGROUP\n`,
  })
}

/**
 * Reads what smbtorture printed (subunit). Throws for output that is not whole: no test, a test that ends twice, never,
 * or under another name, and an exit code that does not fit.
 */
export function readResults(suite: string, printed: string, code: number): Results {
  const results: Results = { outcomes: new Map(), reasons: new Map() }
  let running: string | undefined
  let reason: { of: string; lines: string[] } | undefined
  for (const line of printed.split('\n')) {
    if (reason) {
      if (line !== ']') reason.lines.push(line)
      else {
        results.reasons.set(reason.of, reason.lines.join('\n'))
        reason = undefined
      }
      continue
    }
    const begun = /^test: (.+)$/.exec(line)?.[1]
    if (begun !== undefined) {
      if (running !== undefined) throw new Error(`${running} never ended`)
      running = begun
    }
    const [, word, name, more] = /^(success|failure|error|skip): (.+?)( \[)?$/.exec(line) ?? []
    if (word === undefined) continue
    if (name !== running) throw new Error(`"${line}" while ${running ?? 'nothing'} ran`)
    const full = `${suite}.${name}`
    if (results.outcomes.has(full)) throw new Error(`${full} ended twice`)
    results.outcomes.set(full, word as Outcome)
    running = undefined
    if (more) reason = { of: full, lines: [] }
  }
  if (running !== undefined || reason) throw new Error(`${running ?? reason?.of} never ended (exit ${code})`)
  if (results.outcomes.size === 0) throw new Error(`no test ran (exit ${code})`)
  const bad = [...results.outcomes.values()].some((one) => one === 'failure' || one === 'error')
  if (code !== (bad ? 1 : 0)) throw new Error(`it exited ${code}`)
  return results
}
