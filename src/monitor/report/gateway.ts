import { request } from 'node:http'
import { z } from 'zod'
import type { GatewayNode } from '../observation/index.ts'

const nodeSchema = z.object({
  state: z.string(),
  key_needed: z.boolean().default(false),
  last_error: z.string().default(''),
  connections: z.number().default(0),
  bytes_in: z.number().default(0),
  bytes_out: z.number().default(0),
  dns_name: z.string().catch(''),
  ips: z.array(z.string()).catch([]),
  peers: z
    .array(z.object({ path: z.string(), connections: z.number(), visitor: z.boolean().default(false) }))
    .nullish()
    // Who looks at a page is no Mac that is there to back up.
    .transform((peers) => (peers ?? []).filter(({ visitor }) => !visitor)),
  device_online: z.boolean().nullable().catch(null),
})
const statusSchema = z.object({ nodes: z.record(z.string(), nodeSchema) })

/** Bytes of an answer: 1,000 nodes with some peers each take less than 1 MiB. */
const mostBytes = 16 * 1024 * 1024
/** ms; the gateway answers from memory, or says of a node that does not answer it what it knows. */
const timeoutMs = 10_000

/** Asks the gateway's status socket; `undefined` where nobody answers sensibly. By user name. */
export function askGateway(socketPath: string): Promise<Record<string, GatewayNode> | undefined> {
  return new Promise((resolve) => {
    const end = (nodes?: Record<string, GatewayNode>) => {
      asked.destroy()
      resolve(nodes)
    }
    const signal = AbortSignal.timeout(timeoutMs)
    const asked = request({ socketPath, path: '/status', headers: { host: 'gateway' }, signal }, (answer) => {
      const chunks: Buffer[] = []
      let size = 0
      answer.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > mostBytes) end()
        else chunks.push(chunk)
      })
      answer.on('error', () => end())
      answer.on('end', () => end(answer.statusCode === 200 ? nodesOf(Buffer.concat(chunks)) : undefined))
    })
    asked.on('error', () => end())
    asked.end()
  })
}

function nodesOf(bytes: Buffer): Record<string, GatewayNode> | undefined {
  try {
    return statusSchema.safeParse(JSON.parse(bytes.toString('utf8'))).data?.nodes
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
