import { TmgenError } from '../errors.ts'
import { markerText } from '../render/index.ts'
import type { Tree } from '../render/types.ts'
import type { DeployedUser, Deployment } from '../resolve/types.ts'
import { compareSettings } from './import-settings.ts'
import type { SeenImport } from './importing.ts'
import type { Part } from './plan-types.ts'
import type { Observed } from './types.ts'

/** Storage folders to make and mark; refusals where a folder is another's, or where one that was there is gone. */
export function planStorage(deployment: Deployment, observed: Observed, tree: Tree): Part {
  const part: Part = { steps: [], notes: [], errors: [] }
  const errors: TmgenError[] = []
  for (const user of deployment.users) {
    const state = observed.storage.get(user.id)
    if (state === undefined) continue
    const wasHere = observed.manifest.storage[user.id] === user.storage
    if (observed.importing?.user === user.name && state !== 'foreign') {
      const taken = planImport(deployment, user, observed.importing, tree)
      errors.push(...taken.errors)
      part.notes.push(...taken.notes)
      if (state !== 'ours' || observed.importing.moves.length > 0 || !wasHere) part.steps.push(...taken.steps)
      continue
    }
    if (state === 'unmarked' && user.imported)
      part.notes.push(`the data of ${user.name} is not taken over yet: run tmgen import ${user.storage} again`)
    else if (state === 'unmarked' || state === 'foreign') errors.push(refusal(user, state))
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

/** Takes over data that was there before, where nothing speaks against it. */
function planImport(deployment: Deployment, user: DeployedUser, data: SeenImport, tree: Tree): Part {
  const errors: TmgenError[] = []
  const notes = [...data.notes]
  if (!user.imported)
    errors.push(
      new TmgenError('storage', `${user.name} is in tmgen.yaml already, and no import`, {
        hint: 'take the user out of tmgen.yaml, or import the data for another name',
      }),
    )
  else if (user.uid !== data.uid)
    errors.push(
      new TmgenError('storage', `the files belong to UID ${data.uid}, ${user.name} has ${user.uid}`, {
        hint: 'import them for a user of another name: a UID never changes',
      }),
    )
  const smbConf = tree.get(`generated/users/${user.name}/smb.conf`)?.content
  if (data.former === undefined)
    notes.push('the settings of the former Samba were not compared: --smb-conf FILE does that')
  else if (typeof smbConf === 'string')
    for (const mac of user.macs.slice(0, 1)) {
      const compared = compareSettings(data.former, smbConf, mac.name)
      errors.push(...compared.refusals)
      notes.push(...compared.notes)
    }
  const names = data.rest.slice(0, 5).join(', ')
  if (data.rest.length > 0)
    notes.push(`not served, and left where it is: ${names}${data.rest.length > 5 ? ' and more' : ''}`)
  const title = `take over the data in ${data.path} for ${user.name}, whose UID is ${data.uid}`
  const marker = markerText(deployment, user)
  const step = {
    kind: 'import-storage',
    user: user.name,
    userId: user.id,
    path: user.storage,
    data,
    marker,
    title,
  } as const
  return { steps: [step], notes, errors }
}
