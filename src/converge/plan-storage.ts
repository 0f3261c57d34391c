import { TmgenError } from '../errors.ts'
import { markerText } from '../render/index.ts'
import type { DeployedUser, Deployment } from '../resolve/types.ts'
import type { Part } from './plan.ts'
import type { Observed } from './types.ts'

/** Storage folders to make and mark; refusals where a folder is another's, or where one that was there is gone. */
export function planStorage(deployment: Deployment, observed: Observed): Part {
  const part: Part = { steps: [], notes: [], errors: [] }
  const errors: TmgenError[] = []
  for (const user of deployment.users) {
    const state = observed.storage.get(user.id)
    if (state === undefined) continue
    const wasHere = observed.manifest.storage[user.id] === user.storage
    if (state === 'unmarked' || state === 'foreign') errors.push(refusal(user, state))
    else if (wasHere && (state === 'absent' || state === 'empty')) errors.push(gone(user))
    else if (state !== 'ours' || !wasHere) {
      const title =
        state === 'ours' ? `take note of the storage ${user.storage}` : `make the storage folder ${user.storage}`
      part.steps.push({
        kind: 'storage',
        userId: user.id,
        path: user.storage,
        marker: markerText(deployment, user),
        title,
      })
    }
  }
  return { ...part, errors }
}

function refusal(user: DeployedUser, state: 'unmarked' | 'foreign'): TmgenError {
  return state === 'foreign'
    ? new TmgenError('storage', `storage ${user.storage} belongs to another user or workspace`, {
        hint: `its marker .tmgen.json says whose it is; choose another folder for ${user.name}`,
      })
    : new TmgenError('storage', `storage ${user.storage} holds files and was not made by tmgen`, {
        hint: `choose another folder for ${user.name}, or empty it`,
      })
}

/** An unmounted disk must never be replaced by an empty folder: the Mac would begin a new backup. */
function gone(user: DeployedUser): TmgenError {
  return new TmgenError('storage', `storage ${user.storage} of ${user.name} is gone`, {
    hint: 'mount its disk; if the data is lost for good, have the folder made anew: sudo sh generated/prepare.sh',
  })
}
