// The scanner of one share: a program of its own, for one look. It reads a request on stdin, prints what it saw as JSON
// on stdout and ends. It opens no socket and writes nothing; who started it bounds its time and memory.
import { readFileSync } from 'node:fs'
import type { ScanRequest } from './request.ts'
import { scan } from './scan.ts'

const request: ScanRequest = JSON.parse(readFileSync(0, 'utf8'))
// What it throws ends it with an error; who started it tells.
void scan(request).then((seen) => process.stdout.write(JSON.stringify(seen)))
