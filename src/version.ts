/** The numbers of a version text such as `v2.40.3` or `20.10.24+dfsg1`; `undefined` where it has none. */
export function versionOf(text: string): number[] | undefined {
  return /(\d+)\.(\d+)(?:\.(\d+))?/
    .exec(text)
    ?.slice(1)
    .map((part) => Number(part ?? 0))
}

/** Whether `version` is before `least`, number by number. */
export function isBefore(version: readonly number[], least: readonly number[]): boolean {
  for (const [index, wanted] of least.entries()) {
    const have = version[index] ?? 0
    if (have !== wanted) return have < wanted
  }
  return false
}
