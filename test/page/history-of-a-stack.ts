import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Client,
  compose,
  composeExec,
  docker,
  makeSparsebundle,
  onCleanup,
  run,
  type Stack,
  waitFor,
} from '../lab/support/index.ts'

const band = 8 * 1024 * 1024

/** Stops the reporter, forgets what it saw, and opens one that looks when it is told to. @returns its container's id */
export async function openReporter(stack: Stack): Promise<string> {
  await compose(stack.dir, ['stop', 'monitor'])
  const state = join(stack.dir, 'state/monitor')
  for (const name of readdirSync(state)) if (name !== 'bands') rmSync(join(state, name), { recursive: true })
  const id = await compose(stack.dir, ['run', '-d', '--rm', '--entrypoint', 'sleep', 'monitor', 'infinity'])
  const line = id.trim().split('\n').at(-1) ?? ''
  onCleanup('the reporter of the past', async () => {
    await docker(['rm', '-f', line]).catch(() => undefined)
  })
  return line
}

/** One look of both services, as if it were then. */
export async function lookAt(stack: Stack, reporter: string, time: number): Promise<void> {
  const at = new Date(time).toISOString()
  const scan = ['node', '/usr/lib/tmgen/scanner.cjs', 'once', '--at', at]
  const scanned = await composeExec(stack.dir, 'monitor-scanner', scan)
  if (scanned.code !== 0) throw new Error(`a look at ${at}: ${scanned.stderr}`)
  await docker(['exec', reporter, 'node', '/usr/lib/tmgen/monitor.cjs', 'once', '--at', at])
}

export interface MacAtWork {
  user: string
  /** Connects and writes bands; the session stays open until the returned function ends it. */
  begin(time: number): Promise<() => Promise<void>>
  /** The backup that was begun is complete: its history says so, with this time. */
  complete(time: number): Promise<void>
  /** Fetches the whole bundle back and compares it; says what was compared. */
  restore(): Promise<string>
}

/** A client that backs up a bundle of 8 MiB bands to its share, some more of them each time. */
export async function macAtWork(
  stack: Stack,
  client: Client,
  { user, share, bands, more }: { user: string; share: string; bands: number; more: number },
): Promise<MacAtWork> {
  const who = await stack.login(user)
  const host = await client.peerIp(`tm-${user}`)
  const folder = `/tmp/${share}-disk`
  const bundle = `${folder}/${share}.sparsebundle`
  const history = 'com.apple.TimeMachine.SnapshotHistory.plist'
  const completed: string[] = []
  let written = 0
  const begun = Date.now()
  const smb = async (commands: string) => {
    const ran = await client.smb(host, share, who, commands)
    if (ran.code !== 0 || /NT_STATUS/.test(ran.stdout)) throw new Error(`${commands}: ${ran.stdout}${ran.stderr}`)
  }
  /** What was written just now is of that time, as a Mac sets it; the change times, which the rules go by, stay. */
  const dated = async (time: number) => {
    const files = [join(stack.storage, user, share), '-newermt', `@${begun / 1000}`]
    const ran = await run('find', [...files, '-exec', 'touch', '-hd', `@${Math.floor(time / 1000)}`, '{}', '+'])
    if (ran.code !== 0) throw new Error(ran.stderr)
  }
  return {
    user,
    begin: async (time) => {
      if (written === 0) {
        await client.must(['mkdir', '-p', folder])
        await makeSparsebundle(client, folder, { name: share, bands, bandSize: band })
        written = bands
        await smb(`lcd ${folder}; recurse on; prompt off; mput ${share}.sparsebundle`)
      } else {
        const names = [0, ...Array.from({ length: more }, (_none, index) => written + index)].map((index) =>
          index.toString(16),
        )
        written += more
        for (const name of names)
          await client.must(['sh', '-c', `head -c ${band} /dev/urandom > ${bundle}/bands/${name}`])
        await smb(
          `lcd ${bundle}/bands; cd ${share}.sparsebundle/bands; ${names.map((name) => `put ${name}`).join('; ')}`,
        )
      }
      await dated(time)
      const [open, go] = [`${folder}/open`, `${folder}/go`]
      await client.must(['rm', '-f', open, go])
      // Shell commands it takes from its input alone. The account lies there since the bands were put.
      const session = client.must(['smbclient', `//${host}/${share}`, '-m', 'SMB3', '-A', '/run/smb.auth'], {
        input: `ls\n!touch ${open}\n!until [ -e ${go} ]; do sleep 0.1; done\n`,
        timeout: 300_000,
      })
      await waitFor('a session', async () => (await client.exec(['test', '-e', open])).code === 0)
      return async () => {
        await client.must(['touch', go])
        await session
      }
    },
    complete: async (time) => {
      completed.push(new Date(Math.floor(time / 1000) * 1000).toISOString())
      await client.must(['rm', '-rf', `${folder}/next`])
      const next = await makeSparsebundle(client, `${folder}/next`, { name: share, bands: 0, snapshots: completed })
      await client.must(['cp', `${next}/${history}`, bundle])
      await smb(`lcd ${bundle}; cd ${share}.sparsebundle; put ${history}`)
      await dated(time)
    },
    restore: async () => {
      await client.must(['mkdir', '-p', `${folder}/back`])
      await smb(`lcd ${folder}/back; recurse on; prompt off; mget ${share}.sparsebundle`)
      await client.must(['diff', '-r', bundle, `${folder}/back/${share}.sparsebundle`])
      const [files, size] = await Promise.all([
        client.must(['sh', '-c', `find ${folder}/back -type f | wc -l`]),
        client.must(['sh', '-c', `du -sh ${folder}/back | cut -f1`]),
      ])
      return `restored ${share} of ${user}: ${files.trim()} files, ${size.trim()}, all as they were written`
    },
  }
}
