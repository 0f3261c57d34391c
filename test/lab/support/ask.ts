import { request } from 'node:http'
import { join } from 'node:path'
import type { Stack } from './stack.ts'

interface Answer {
  status: number
  body: string
}

/** GET on the gateway's status socket, as a scraper on the host does it. */
export const askGateway = (stack: Stack, path: string) => ask(join(stack.dir, 'state/status/status.sock'), path)

/** GET on the socket of the monitor's page, as a browser does it through ssh. */
export const askPage = (stack: Stack, path: string, host = 'localhost:8080') =>
  ask(join(stack.dir, 'state/page/operator.sock'), path, host)

function ask(socketPath: string, path: string, host = 'localhost'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, headers: { host } }, (answer) => {
      let body = ''
      answer.setEncoding('utf8').on('data', (text) => {
        body += text
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }))
    })
    asked.on('error', reject).end()
  })
}

/** The gateway's metrics: series, with its labels, -> value. A line that is neither a sample nor a comment throws. */
export async function metricsOf(stack: Stack): Promise<Map<string, number>> {
  const { status, body } = await askGateway(stack, '/metrics')
  if (status !== 200) throw new Error(`/metrics answered ${status}`)
  const samples = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    samples.map((line) => {
      const found = /^([a-z_]+(?:\{[^{}]*\})?) (\S+)$/.exec(line)
      if (!found || Number.isNaN(Number(found[2]?.replace('Inf', 'Infinity')))) throw new Error(`no sample: ${line}`)
      return [found[1] as string, Number(found[2])]
    }),
  )
}
