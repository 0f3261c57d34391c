/** Lines shown around a change. */
const around = 3

type Op = ' ' | '-' | '+'

/**
 * The difference of two texts, line by line, with three lines around each change, as `diff -u` prints it. '' where they
 * are equal. A line end of another kind is shown as a change.
 */
export function lineDiff(before: string, after: string): string {
  const ops = edits(before.split('\n'), after.split('\n'))
  const changed = ops.flatMap(({ op }, i) => (op === ' ' ? [] : [i]))
  const isShown = new Set(changed.flatMap((i) => Array.from({ length: 2 * around + 1 }, (_, n) => i - around + n)))
  const lines: string[] = []
  const at = { '-': 1, '+': 1 }
  ops.forEach(({ op, line }, i) => {
    if (isShown.has(i)) {
      if (i === 0 || !isShown.has(i - 1)) lines.push(`@@ -${at['-']} +${at['+']} @@`)
      // The empty last one is no line but the end of the one before.
      if (i < ops.length - 1 || line !== '') lines.push(op + line.replace(/\r$/, ''))
    }
    if (op !== '+') at['-']++
    if (op !== '-') at['+']++
  })
  return changed.length === 0 ? '' : lines.join('\n')
}

/** Myers' greedy algorithm: the shortest list of lines kept, taken out and put in. */
function edits(a: readonly string[], b: readonly string[]): { op: Op; line: string }[] {
  const trace: Map<number, number>[] = []
  let reach = new Map([[1, 0]])
  search: for (let d = 0; d <= a.length + b.length; d++) {
    const next = new Map(reach)
    trace.push(reach)
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && (reach.get(k - 1) ?? -1) < (reach.get(k + 1) ?? -1))
      let x = down ? (reach.get(k + 1) ?? 0) : (reach.get(k - 1) ?? 0) + 1
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++
      next.set(k, x)
      if (x >= a.length && x - k >= b.length) break search
    }
    reach = next
  }
  const ops: { op: Op; line: string }[] = []
  let [x, y] = [a.length, b.length]
  for (let d = trace.length - 1; d >= 0; d--) {
    const seen = trace[d]!
    const k = x - y
    const down = k === -d || (k !== d && (seen.get(k - 1) ?? -1) < (seen.get(k + 1) ?? -1))
    const fromX = d === 0 ? 0 : (seen.get(down ? k + 1 : k - 1) ?? 0)
    const fromY = d === 0 ? 0 : fromX - (down ? k + 1 : k - 1)
    while (x > fromX && y > fromY) {
      ops.push({ op: ' ', line: a[--x]! })
      y--
    }
    if (d > 0) ops.push(down ? { op: '+', line: b[--y]! } : { op: '-', line: a[--x]! })
  }
  return ops.reverse()
}
