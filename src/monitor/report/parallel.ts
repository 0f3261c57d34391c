/** Does it for each, so many at a time, in their order. */
export async function inParallel<T>(
  items: readonly T[],
  atOnce: number,
  action: (item: T) => Promise<void>,
): Promise<void> {
  const left = [...items]
  const worker = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) await action(next)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, left.length) }, worker))
}
