export interface WaitOptions {
  /** Milliseconds before it gives up; 90 s unless told: Docker asks for the health of a container every 30 s. */
  timeout?: number
  /** Milliseconds between two looks; 250 unless told. */
  every?: number
}

/**
 * Looks until `probe` gives something truthy and returns that. A probe that throws counts as "not yet"; when time is
 * up the last thing it threw is part of the error.
 */
export async function waitFor<T>(
  what: string,
  probe: () => Promise<T> | T,
  { timeout = 90_000, every = 250 }: WaitOptions = {},
): Promise<NonNullable<T>> {
  const end = Date.now() + timeout
  let last = 'it never came true'
  for (;;) {
    try {
      const value = await probe()
      if (value) return value
      last = 'it never came true'
    } catch (error) {
      last = error instanceof Error ? error.message : String(error)
    }
    if (Date.now() > end) throw new Error(`waited ${timeout} ms for ${what}: ${last}`)
    await new Promise((resolve) => setTimeout(resolve, every))
  }
}
