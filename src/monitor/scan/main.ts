// The scanner: a program of its own, for one look at one share. It reads a request on stdin, prints what it saw as JSON
// on stdout and ends. It opens no socket and writes nothing; who started it bounds its time and memory.
import { readFileSync } from 'node:fs'
import type { ScanRequest } from './request.ts'
import { scan } from './scan.ts'

const request: ScanRequest = JSON.parse(readFileSync(0, 'utf8'))
process.stdout.write(JSON.stringify(await scan(request)))
