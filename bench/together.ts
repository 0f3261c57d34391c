import type { Container } from '../test/lab/support/index.ts'

/** One copy of several that began at the same moment; times in seconds since 1970. */
export interface Copy {
  begun: number
  ended: number
}

// Waits for the moment, then runs smbclient alone: no start of a container's process lies in the time.
const script = `
import subprocess, sys, time
at, command = float(sys.argv[1]), sys.argv[2:]
while time.time() < at:
    time.sleep(max(0, min(0.05, at - time.time())))
begun = time.time()
ran = subprocess.run(command, capture_output=True, text=True)
if ran.returncode != 0:
    sys.exit(ran.stdout + ran.stderr)
print(begun, time.time())
`

/** Puts a loader's file of a user's login where smbclient reads it. */
export async function signIn(loader: Container, who: { user: string; password: string }): Promise<void> {
  await loader.must(['sh', '-c', 'umask 077; cat > /dev/shm/auth'], {
    input: `username = ${who.user}\npassword = ${who.password}\ndomain = WORKGROUP\n`,
  })
}

/** Runs the same smbclient commands in all loaders, from one moment on. Throws when one fails. */
export async function together(
  loaders: readonly { loader: Container; host: string; share: string }[],
  commands: string,
): Promise<Copy[]> {
  const at = Date.now() / 1000 + 1 + 0.25 * loaders.length
  return Promise.all(
    loaders.map(async ({ loader, host, share }) => {
      const args = ['-m', 'SMB3', '-A', '/dev/shm/auth', '-t', '120', '-c', commands]
      const ran = ['python3', '-c', script, String(at), 'smbclient', `//${host}/${share}`, ...args]
      const [begun, ended] = (await loader.must(ran, { timeout: 300_000 })).split(' ').map(Number)
      if (!begun || !ended) throw new Error(`${host}: no times`)
      if (begun - at > 0.2) throw new Error(`${host}: began ${(begun - at).toFixed(1)} s late`)
      return { begun, ended }
    }),
  )
}
