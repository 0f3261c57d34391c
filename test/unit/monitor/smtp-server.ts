import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

/** A mail as it was taken. */
export interface Taken {
  from: string
  to: string[]
  /** Without the dots of SMTP. */
  raw: string
  isPrivate: boolean
}

export interface SmtpOptions {
  tls: 'starttls' | 'implicit' | 'none'
  key: string
  cert: string
  /** Says something else to a command (`''` stands for the greeting, `.` for the end of a mail); null: says nothing. */
  answer?: (command: string) => string | null | undefined
  /** Once it has a mail it lets a byte drop now and then, for ever. */
  drips?: boolean
}

/** A mail server on loopback that keeps what it is told. */
export class SmtpServer {
  readonly mails: Taken[] = []
  /** Every line that is no part of a mail. */
  readonly commands: string[] = []
  readonly #options: SmtpOptions
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  constructor(options: SmtpOptions) {
    this.#options = options
    this.#server = createServer((socket) => {
      this.#keep(socket)
      const { tls, key, cert } = options
      this.#serve(tls === 'implicit' ? new TLSSocket(socket, { isServer: true, key, cert }) : socket, true)
    })
  }

  async start(): Promise<number> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done))
    return (this.#server.address() as AddressInfo).port
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#sockets.size
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => {})
  }

  #serve(socket: Socket, greets: boolean): void {
    const { tls, key, cert, answer } = this.#options
    const isPrivate = socket instanceof TLSSocket
    socket.on('error', () => {})
    const say = (command: string, usual: string) => {
      const text = answer?.(command)
      if (text !== null) socket.write(`${text ?? usual}\r\n`)
    }
    let [from, to, data]: [string, string[], string | undefined] = ['', [], undefined]
    let left = ''
    const take = (line: string) => {
      if (data !== undefined) {
        if (line !== '.') data += `${line.replace(/^\./, '')}\r\n`
        else {
          this.mails.push({ from, to, raw: data, isPrivate })
          data = undefined
          if (!this.#options.drips) return say('.', '250 2.0.0 taken')
          const more = setInterval(() => socket.write('2'), 20)
          socket.on('close', () => clearInterval(more))
        }
        return
      }
      this.commands.push(line)
      const [, verb = '', rest = ''] = /^(\S+) ?(.*)$/.exec(line) ?? []
      if (verb === 'EHLO') {
        const offers = [...(tls === 'starttls' && !isPrivate ? ['STARTTLS'] : []), 'AUTH PLAIN', 'SIZE 1000000', 'HELP']
        say('EHLO', ['fake', ...offers].map((offer, i) => `250${i === offers.length ? ' ' : '-'}${offer}`).join('\r\n'))
      } else if (verb === 'STARTTLS' && tls === 'starttls') {
        say('STARTTLS', '220 go')
        if (answer?.('STARTTLS') !== undefined) return
        socket.removeAllListeners('data')
        this.#serve(new TLSSocket(socket, { isServer: true, key, cert }), false)
      } else if (verb === 'AUTH') say('AUTH', '235 2.7.0 welcome')
      else if (verb === 'MAIL') {
        ;[from, to] = [rest, []]
        say('MAIL', '250 ok')
      } else if (verb === 'RCPT') {
        to.push(rest)
        say('RCPT', '250 ok')
      } else if (verb === 'DATA') {
        const text = answer?.('DATA')
        if (text === undefined) data = ''
        say('DATA', '354 go on')
      } else if (verb === 'QUIT') socket.end('221 bye\r\n')
      else say(verb, '502 no such command')
    }
    socket.on('data', (chunk: Buffer) => {
      left += chunk.toString('latin1')
      for (let end = left.indexOf('\r\n'); end >= 0; end = left.indexOf('\r\n')) {
        const line = left.slice(0, end)
        left = left.slice(end + 2)
        take(line)
      }
    })
    if (greets) say('', '220 fake')
  }
}
