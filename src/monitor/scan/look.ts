import { join } from 'node:path'
import { openForeign } from '../../converge/node-foreign.ts'
import { TmgenError } from '../../errors.ts'
import type { Look, ShareSeen } from '../observation/index.ts'
import type { places, Settings } from '../settings.ts'
import { disksOf } from './disks.ts'
import { readTold, type SambaTold, sambaSeen } from './smbstatus.ts'
import type { ShareWatcher } from './watcher.ts'

type User = Settings['users'][number]

/** Shares that are looked at side by side. */
const atOnce = 2
/** Name of the file that proves whose a storage folder is; clients cannot write it. */
const marker = '.tmgen.json'

/**
 * One look at everybody. `restart`: a disk is not there, and a new start may find it mounted.
 * @param now what time it is taken to be, in ms since 1970
 * @param clock what time it is for what Samba writes, which knows no other
 */
export async function lookAtAll(
  { workspace, users }: Settings,
  { shares, samba }: Record<keyof Pick<typeof places, 'shares' | 'samba'>, string>,
  watcher: ShareWatcher,
  now: number,
  clock = now,
): Promise<{ look: Look; restart: boolean }> {
  const found: Look['shares'] = []
  const left = users.flatMap((user) => user.macs.map((mac) => ({ user, mac })))
  watcher.keepOnly(left.map(({ user, mac }) => watched(user, mac, shares)))
  const proven = new Map<User, boolean>()
  const told = new Map<User, SambaTold>()
  for (const user of users) {
    proven.set(user, await isMarked(join(shares, user.name), workspace.id, user.id))
    told.set(user, await readTold(join(samba, user.name), clock))
  }
  const worker = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const { user, mac } = next
      const share: ShareSeen = proven.get(user)
        ? shown(await watcher.look(watched(user, mac, shares), now), user, shares)
        : {
            outcome: 'unreadable',
            cause: `${user.storage} has no marker of this workspace: is its disk mounted, and was docker compose up -d run?`,
          }
      const status = told.get(user)?.status
      const seen = status && (await sambaSeen(status, join(shares, user.name), mac))
      found.push({ user: user.name, mac, share, ...(seen && { samba: seen }) })
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  found.sort((a, b) => (`${a.user}/${a.mac}` < `${b.user}/${b.mac}` ? -1 : 1))
  const serving = users.filter((user) => told.get(user)?.serving).map(({ name }) => name)
  return {
    look: { version: 1, at: now, disks: disksOf(users, shares, marker), serving, shares: found },
    restart: [...proven.values()].includes(false),
  }
}

const watched = (user: User, mac: string, shares: string) => ({
  user: user.name,
  mac,
  storage: join(shares, user.name),
})

/** Whether the storage folder is this user's: its disk is mounted, and nobody else's lies there. */
export async function isMarked(storage: string, workspace: string, user: string): Promise<boolean> {
  try {
    const text = await openForeign(storage, (folder) => folder.read(marker, 4096))
    const value: unknown = JSON.parse(Buffer.from(text ?? '').toString('utf8'))
    return value instanceof Object && 'workspace' in value && value.workspace === workspace && 'user' in value
      ? value.user === user
      : false
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TmgenError) return false
    throw error
  }
}

/** Causes name the path that people know. */
function shown(share: ShareSeen, { name, storage }: User, shares: string): ShareSeen {
  if (share.outcome !== 'unreadable') return share
  return { ...share, cause: share.cause.replaceAll(join(shares, name), storage).slice(0, 400) }
}
