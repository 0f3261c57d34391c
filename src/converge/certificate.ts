import { isIP } from 'node:net'
import { connect } from 'node:tls'
import { TmgenError } from '../errors.ts'

/** A server that shows no certificate within this time, in ms, shows none. */
const timeoutMs = 5_000

/** See Host.certificate. Nothing but the handshake is sent, and what it says is shown, not trusted. */
export function certificateOf(url: string): Promise<{ validTo: Date; fault: string | undefined }> {
  const { hostname, port } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  return new Promise((resolve, reject) => {
    const give = (why: string) =>
      reject(new TmgenError('control-unreachable', `${url} showed no certificate: ${why}`, { hint: 'check the URL' }))
    const socket = connect({
      host,
      port: Number(port) || 443,
      rejectUnauthorized: false,
      ...(isIP(host) ? {} : { servername: host }),
    })
    socket.setTimeout(timeoutMs, () => {
      socket.destroy()
      give(`nothing within ${timeoutMs / 1000} s`)
    })
    socket.on('error', (error: NodeJS.ErrnoException) => give(error.code ?? 'the connection failed'))
    socket.on('secureConnect', () => {
      const validTo = new Date(socket.getPeerCertificate().valid_to)
      // Node types it as an Error, and it is one or a code.
      const reason = socket.authorizationError as unknown
      const fault = socket.authorized ? undefined : reason instanceof Error ? reason.message : String(reason)
      socket.destroy()
      if (Number.isNaN(validTo.getTime())) give('it names no end of validity')
      else resolve({ validTo, fault })
    })
  })
}
