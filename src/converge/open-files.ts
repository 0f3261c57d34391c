import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

const quiet = <T>(action: () => T): T | NodeJS.ErrnoException => {
  try {
    return action()
  } catch (error) {
    return error as NodeJS.ErrnoException
  }
}

/**
 * Processes that use something at or below a path, by /proc: open files, working folder, root. A process in a container
 * shows the paths of its own mounts there: those are found by Docker's. Elsewhere than on Linux nothing is found.
 */
export function processesAt(path: string): { found: { pid: number; command: string }[]; hidden: boolean } {
  const found: { pid: number; command: string }[] = []
  let hidden = false
  const pids = quiet(() => readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
  if (pids instanceof Error) return { found, hidden: true }
  for (const pid of pids) {
    const open = quiet(() => readdirSync(`/proc/${pid}/fd`))
    // A process that ended meanwhile is ENOENT or ESRCH.
    if (open instanceof Error) hidden ||= open.code === 'EACCES'
    const links = ['cwd', 'root', ...(Array.isArray(open) ? open.map((fd) => `fd/${fd}`) : [])]
    const uses = links.some((link) => {
      const target = quiet(() => readlinkSync(`/proc/${pid}/${link}`))
      return typeof target === 'string' && (target === path || target.startsWith(`${path}/`))
    })
    if (!uses) continue
    const name = quiet(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim())
    found.push({ pid: Number(pid), command: typeof name === 'string' ? name : '' })
  }
  return { found, hidden }
}
