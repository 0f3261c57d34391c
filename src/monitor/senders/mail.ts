import SmtpConnection from 'nodemailer/lib/smtp-connection'
import { causeOf } from '../../control/answer.ts'
import type { Secret } from '../../secret.ts'
import { mailOf } from './mail-text.ts'
import { type Sender, SendFault } from './types.ts'

/** A mail server, and what its connection must be like. */
export interface MailOptions {
  host: string
  port: number
  /** starttls: nothing but a greeting goes before it; implicit: TLS from the first byte; none: no account either. */
  tls: 'starttls' | 'implicit' | 'none'
  account: string | null
  password?: Secret | undefined
  /** Authorities that the server's certificate may be from, as PEM, in place of the usual ones. */
  authorities?: string | undefined
  from: string
  /** ms for the whole of it. */
  timeoutMs?: number
}

/** In ms: servers that look at mail while they take it are slower than those of webhooks. */
const defaultTimeoutMs = 20_000

/** One mail to one address, by SMTP. */
export function mail(options: MailOptions, to: string, workspace: string): Sender {
  return {
    send: async (notification, signal) => {
      const message = await mailOf(notification, workspace, { from: options.from, to }).catch(() => {
        // Names in it are hostile: one that the library stumbles over must not end the monitor.
        throw new SendFault('the mail cannot be written')
      })
      await submit(options, to, message, signal)
    },
  }
}

async function submit(options: MailOptions, to: string, message: Buffer, signal?: AbortSignal): Promise<void> {
  const { host, port, tls, account, password, authorities, from, timeoutMs = defaultTimeoutMs } = options
  if (account !== null && password === undefined)
    throw new SendFault('there is no password in secrets/monitor/mail-password')
  const connection = new SmtpConnection({
    host,
    port,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    // The name of a container tells nobody anything (RFC 5321, 4.1.3: an address literal in its place).
    name: '[127.0.0.1]',
    tls: { minVersion: 'TLSv1.2', rejectUnauthorized: true, ...(authorities === undefined ? {} : { ca: authorities }) },
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    socketCloseTimeout: 1000,
    maxResponseSize: 64 * 1024,
  })
  const limit = AbortSignal.timeout(timeoutMs)
  const either = signal ? AbortSignal.any([signal, limit]) : limit
  let isSafe = tls === 'none'
  try {
    await new Promise<void>((resolve, reject) => {
      const then = (next: () => void) => (error?: Error | null) => (error ? reject(error) : next())
      // A server that lets a byte drop now and then has its time, and no more.
      either.addEventListener('abort', () => reject(either.reason), { once: true })
      connection.on('error', reject)
      connection.on('end', () => reject(new SendFault('the server ended the connection')))
      const submitIt = () => connection.send({ from, to: [to], size: message.length }, message, then(resolve))
      connection.connect(
        then(() => {
          isSafe ||= connection.secure
          // The library sees to it; that a password and names go nowhere else is worth a second look.
          if (!isSafe) reject(new SendFault('the connection is not private'))
          else if (account === null) submitIt()
          else connection.login({ user: account, pass: password?.reveal() }, then(submitIt))
        }),
      )
    })
    connection.quit()
  } catch (error) {
    throw error instanceof SendFault ? error : new SendFault(faultOf(error, timeoutMs), { isRefused: isRefused(error) })
  } finally {
    connection.close()
  }
}

const steps: Record<string, string> = {
  'MAIL FROM': 'to the sender',
  'RCPT TO': 'to the recipient',
  DATA: 'to the mail',
  EHLO: 'to the greeting',
  STARTTLS: 'to STARTTLS',
}

/** The mail itself is refused for good: too large, or taken for spam. */
function isRefused(error: unknown): boolean {
  const { command, response } = error as { command?: string; response?: unknown }
  return command === 'DATA' && typeof response === 'string' && response.startsWith('5')
}

/** Why it was not taken: what the server said is read for its codes alone, for it may repeat what it was told. */
function faultOf(error: unknown, timeoutMs: number): string {
  const {
    code,
    command = '',
    response = '',
    originalCode,
  } = error as {
    code?: string
    command?: string
    response?: string
    originalCode?: string
  }
  const said = /^[245]\d\d(?:[ -][245]\.\d{1,3}\.\d{1,3}(?!\d))?/.exec(response)?.[0]?.replace('-', ' ')
  if (code === 'EAUTH') return `the server refuses the account or its password${said ? ` (${said})` : ''}`
  if (code === 'ETIMEDOUT') return `nothing within ${timeoutMs / 1000} s`
  if (said) return `the server says ${said}${steps[command] ? ` ${steps[command]}` : ''}`
  if (code === 'ETLS') return 'the server does not offer TLS as it should'
  if (code === 'EDNS') return 'the name of the server cannot be resolved'
  if (code === 'EPROTOCOL') return 'the server does not speak SMTP'
  if (originalCode === 'ERR_SSL_WRONG_VERSION_NUMBER')
    return 'the server does not speak TLS from the first byte (tls: starttls?)'
  const cause = causeOf(originalCode ? Object.assign(new Error(), { code: originalCode }) : error, timeoutMs)
  return cause.replace(/\(NODE_EXTRA_CA_CERTS[^)]*\)/, '(secrets/monitor/mail-ca may name it)')
}
