import { bytesText } from '../bytes.ts'
import { TmgenError } from '../errors.ts'
import { few } from '../few.ts'
import { limitCommands, limitFor, overcommitted, quotasOf, reserve } from '../limits/index.ts'
import type { DeployedUser, Deployment } from '../resolve/types.ts'
import type { Part } from './plan-types.ts'
import type { LimitWish, Observed } from './types.ts'

/** The commands that give users their limit. Pure. */
export function planLimits(deployment: Deployment, observed: Observed, wish: LimitWish | undefined): Part {
  const part: Part = { steps: [], notes: [], errors: [] }
  const errors: TmgenError[] = []
  for (const user of deployment.users) {
    if (wish === undefined || !wish.users.includes(user.name)) continue
    const [seen, folder] = [observed.limits.get(user.id), observed.folders?.get(user.id)]
    const state = observed.storage.get(user.id)
    // An image that is not mounted leaves an empty folder.
    const isOurs = state === 'ours' || state === 'renamed' || (state === 'empty' && folder?.image !== undefined)
    if (seen === undefined || folder === undefined || !isOurs) {
      errors.push(
        new TmgenError('storage', `the storage of ${user.name} (${user.storage}) is not made, or not ours`, {
          hint: 'tmgen generate makes and marks it; tmgen doctor tells what is wrong',
        }),
      )
      continue
    }
    try {
      const wanted = limitFor(quotasOf(user))
      const commands = limitCommands({ user, seen, folder, wanted, by: wish.by })
      if (commands.length > 0)
        part.steps.push({
          kind: 'limit-storage',
          user: user.name,
          commands,
          title: `limit the storage of ${user.name} to ${bytesText(wanted)}`,
        })
    } catch (error) {
      if (!(error instanceof TmgenError)) throw error
      errors.push(error)
    }
  }
  return { ...part, errors }
}

/**
 * Refuses quotas that are larger than their disk less the reserve; a run that promises nobody more tells it only. Pure.
 * @param added users whom this very command adds: nothing of theirs can be set yet
 */
export function planRoom(
  deployment: Deployment,
  observed: Observed,
  isTolerated: boolean,
  added: ReadonlySet<string> = new Set(),
): Part {
  const errors = overcommitted(deployment.users, observed.limits).map(({ path, total, quotas, users }) => {
    const text =
      `quotas of ${bytesText(quotas)} (${few(users)}) do not fit on the disk at ${path}: ` +
      `${bytesText(total * (1 - reserve))} of ${bytesText(total)}, less a reserve of 5 %`
    const newcomer = deployment.users.find(({ name }) => added.has(name) && users.includes(name))
    const smaller = newcomer ? smallerFor(newcomer) : 'set smaller quotas (tmgen set user NAME --quota)'
    return new TmgenError('storage', text, { hint: `${smaller}, or write "overcommit: true" into tmgen.yaml` })
  })
  const part: Part = { steps: [], notes: [], errors: [] }
  // Who says "overcommit: true" knows; doctor still tells.
  if (deployment.overcommit) return part
  return isTolerated ? { ...part, notes: errors.map(({ message }) => message) } : { ...part, errors }
}

function smallerFor({ macs }: DeployedUser): string {
  return `choose a smaller --quota${macs.length > 1 ? ` (it is for each Mac: ${macs.length} Macs)` : ''}`
}
