// The reader of one share: a program of its own, for one round. It reads a request on stdin and prints what it finds, a
// line of JSON at a time. It opens no socket and writes nothing; who started it ends it when it is silent for too long.
import { readFileSync, writeSync } from 'node:fs'
import { setPriority } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import { type VerifyRequest, verifyShare } from './share.ts'

// Backups and looks come first.
setPriority(19)
const request: VerifyRequest = JSON.parse(readFileSync(0, 'utf8'))
// What it throws ends it with an error; who started it tells.
void verifyShare(request, {
  clock: Date.now,
  pause: setTimeout,
  say: (line) => write(`${JSON.stringify(line)}\n`),
})

/** All of it: a pipe takes some at a time, and says EAGAIN while it is full. */
function write(text: string): void {
  let bytes = Buffer.from(text)
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(1, bytes))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    }
  }
}
