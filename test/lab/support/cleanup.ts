type Task = { what: string; undo: () => Promise<unknown> }

const tasks: Task[] = []

/** Registers how something that was started is ended again. Tasks run last first. */
export function onCleanup(what: string, undo: () => Promise<unknown>): void {
  tasks.push({ what, undo })
}

/**
 * Ends everything registered so far, last first. One failure does not keep the rest from
 * being ended; all failures are thrown together at the end. Call it in afterAll.
 */
export async function cleanUp(): Promise<void> {
  const failures: string[] = []
  for (let task = tasks.pop(); task !== undefined; task = tasks.pop()) {
    try {
      await task.undo()
    } catch (error) {
      failures.push(`${task.what}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  if (failures.length > 0) throw new Error(`cleanup left something behind:\n${failures.join('\n')}`)
}

// A run that is interrupted ends what it started too.
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => void cleanUp().finally(() => process.exit(code)))
}
