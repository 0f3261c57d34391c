import { chownSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Container, startContainer } from './container.ts'
import type { Stack } from './stack.ts'

/** A receiver of webhooks: it appends each body to a file, a line each. */
const receiver = `
import http.server
class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        with open("/tmp/alerts", "ab") as out:
            out.write(body + b"\\n")
        self.send_response(204)
        self.end_headers()
http.server.HTTPServer(("", 80), Receiver).serve_forever()`

/** Starts it in the stack's own network of alerts, and has the operator's webhook lead to it: a line of /tmp/alerts each. */
export async function startReceiver(stack: Stack): Promise<Container> {
  const address = join(stack.dir, 'secrets/monitor/webhook')
  const { uid, gid } = statSync(stack.dir)
  writeFileSync(address, 'http://receiver/hook-5f1c\n', { mode: 0o600 })
  chownSync(address, uid, gid)
  const network = `${stack.dir.split('/').at(-1)}_alerts`
  return startContainer(
    'receiver',
    'tmgen-lab/client',
    ['--network', network, '--network-alias', 'receiver', '--entrypoint', 'python3'],
    ['-c', receiver],
  )
}
