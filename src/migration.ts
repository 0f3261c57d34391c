/** One step from a version of a file's format to the next. Pure: it knows what is in the file and nothing else. */
export interface Migration<T> {
  /** The version that it takes; it gives the next one. */
  from: number
  to: (content: T) => T
}

/** A file's format: today's version, and the steps that lead to it from the versions that are still read. */
export interface Format<T> {
  version: number
  migrations: readonly Migration<T>[]
}

/**
 * Takes content of version `found` step by step to today's.
 * @returns undefined where the steps do not reach from there to here
 */
export function migrate<T>({ version, migrations }: Format<T>, found: number, content: T): T | undefined {
  let now = content
  for (let at = found; at !== version; at++) {
    const step = migrations.find(({ from }) => from === at)
    if (step === undefined) return undefined
    now = step.to(now)
  }
  return now
}
