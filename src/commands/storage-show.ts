import { bytesText } from '../bytes.ts'
import type { SeenStorage } from '../limits/index.ts'
import { servedUsers } from '../resolve/nodes.ts'
import type { DeployedUser } from '../resolve/types.ts'
import { table } from '../ui/output.ts'
import { printable } from '../ui/printable.ts'
import type { World } from '../world.ts'
import type { Context } from './context.ts'
import { look, mustBeHere } from './look.ts'
import { limitStatus } from './status-rows.ts'

/** How a limit is kept, for people. */
export const byText = {
  filesystem: 'a filesystem of its own',
  project: 'project quota',
  qgroup: 'Btrfs quota group',
  refquota: 'ZFS refquota',
} as const

/** `tmgen storage show`: what each storage lies on, and which limit the filesystem keeps; writes nothing. */
export async function storageShow(context: Context, options: { json?: boolean }): Promise<undefined> {
  const { ui } = context
  const { observeLimits, limitFor, quotasOf } = await import('../limits/index.ts')
  const world = await context.world()
  const { deployment, notes } = await look(context, 'no')
  mustBeHere(deployment, 'storage')
  const seen = await observeLimits(world, deployment)
  const users = servedUsers(deployment)
  notes.push(...(await unmounted(world, users, seen)))
  if (options.json) {
    ui.json({
      users: users.map((user) => {
        const storage = seen.get(user.id)
        return {
          name: user.name,
          path: user.storage,
          filesystem: storage?.filesystem ?? null,
          quotasBytes: quotasOf(user),
          wantedBytes: limitFor(quotasOf(user)),
          limit: storage === undefined ? null : limitStatus(storage),
        }
      }),
      notes,
    })
    return undefined
  }
  if (users.length === 0) ui.say('no users yet: tmgen add user NAME --login LOGIN')
  else
    ui.data(
      table(
        ['USER', 'FILESYSTEM', 'QUOTAS', 'LIMIT', 'STATE'],
        users.map((user) => cells(user, seen.get(user.id), quotasOf(user)).map(printable)),
      ),
    )
  for (const note of notes) ui.note(printable(note))
  return undefined
}

function cells(user: DeployedUser, seen: SeenStorage | undefined, quotas: number): string[] {
  const limit = seen?.limit
  return [
    user.name,
    seen?.filesystem ?? '-',
    bytesText(quotas),
    limit?.state === 'enforced' ? bytesText(limit.bytes) : '-',
    limit === undefined
      ? 'the storage is not there'
      : limit.state === 'enforced'
        ? `enforced (${byText[limit.by]})`
        : `advisory: ${limit.why}`,
  ]
}

/** Images that a restart of the host would leave unmounted, by /etc/fstab. */
export async function unmounted(
  world: World,
  users: readonly DeployedUser[],
  seen: ReadonlyMap<string, SeenStorage>,
): Promise<string[]> {
  const { fstabLine, imageOf } = await import('../limits/index.ts')
  const fstab = new TextDecoder().decode((await world.disk.readFile('/etc/fstab')) ?? new Uint8Array())
  const known = new Set(fstab.split('\n').map((line) => line.trim().split(/\s+/)[1]))
  const notes: string[] = []
  for (const user of users) {
    if ((await world.disk.stat(imageOf(user.storage, user)))?.kind !== 'file') continue
    const line = fstabLine(user)
    if (seen.get(user.id)?.mount.path !== seen.get(user.id)?.path)
      notes.push(`the image of ${user.name} is not mounted: tmgen storage limit ${user.name} --by image`)
    if (!known.has(line.split(' ')[1]))
      notes.push(
        `${user.storage} is not in /etc/fstab: after a restart it is not mounted, and not served. The line: ${line}`,
      )
  }
  return notes
}
