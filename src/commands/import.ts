import { resolve } from 'node:path'
import type { Outcome } from '../converge/index.ts'
import { TmgenError } from '../errors.ts'
import { printable } from '../ui/printable.ts'
import { typeWord } from '../ui/prompts.ts'
import type { Context } from './context.ts'
import { readAuthKey } from './key-file.ts'
import { look, mustBeHere } from './look.ts'
import { converge, nextUp, tellOutcome } from './outcome.ts'

export interface ImportOptions {
  user: string
  /** NAME, or NAME=BUNDLE */
  mac: string[]
  login?: string[]
  tag?: string[]
  quota?: string
  smbConf?: string
  smbShare?: string
  authKeyFile?: string
  yes?: boolean
  json?: boolean
}

/** Largest smb.conf that is read, in bytes. */
const maxConf = 256 * 1024

/**
 * `tmgen import PATH`: a new user whose data lies there already. Nothing is copied: bundles go into the share's folder by
 * a rename, and the user gets the UID of the files.
 */
export async function importFolder(context: Context, from: string, options: ImportOptions): Promise<undefined> {
  const { ui, io } = context
  const world = await context.world()
  const { addUserText } = await import('../config/index.ts')
  const path = resolve(io.cwd, from)
  const { deployment } = await look(context, 'no')
  mustBeHere(deployment, 'import')
  if (!world.host.isRoot())
    throw new TmgenError('usage', 'tmgen import needs root: only root sees whether anything uses the data', {
      hint: 'run the same with sudo; what is written belongs to the owner of the workspace',
    })
  const macs = options.mac.map((text) => {
    const [name = '', ...bundle] = text.split('=')
    return { name, bundle: bundle.length === 0 ? undefined : bundle.join('=') }
  })
  const former = await readFormer(context, options)
  const key = options.authKeyFile === undefined ? undefined : await readAuthKey(context, options.authKeyFile)
  const user = {
    name: options.user,
    ...(options.login ? { logins: options.login } : {}),
    ...(options.tag ? { tags: options.tag } : {}),
    macs: macs.map(({ name }) => ({ name, ...(options.quota === undefined ? {} : { quota: options.quota }) })),
    storage: path,
  }
  const outcome = await converge(context, `looking at ${path}`, {
    name: `import ${path} --user ${options.user}`,
    edit: (parsed) => {
      const known = parsed.config.users.find((one) => one.name === options.user)
      // An import that was interrupted goes on.
      return known?.storage === path ? parsed.text : addUserText(parsed, user)
    },
    importing: { user: options.user, path, macs, former },
    permits: 'import',
    remote: 'write',
    users: [options.user],
    review: (planned) => consent(context, planned, options),
    ...(key ? { keys: new Map([[options.user, key]]) } : {}),
  })
  tellOutcome(ui, outcome, options.json, { user: options.user })
  if (options.json) return undefined
  ui.say(`Next: ${nextUp('local')}`)
  ui.say(
    `Then: tmgen guide ${options.user}; each Mac adds the disk under its new address, and goes on with its bundle.`,
  )
  return undefined
}

async function readFormer(context: Context, { smbConf, smbShare }: ImportOptions) {
  if (smbConf === undefined) {
    if (smbShare === undefined) return undefined
    throw new TmgenError('usage', '--smb-share names a share of --smb-conf, which is missing')
  }
  const bytes = await (await context.world()).disk.readFile(resolve(context.io.cwd, smbConf), maxConf)
  if (bytes === undefined) throw new TmgenError('usage', `there is no file ${printable(smbConf)}`)
  return { file: smbConf, text: new TextDecoder().decode(bytes), share: smbShare }
}

/** Shows what will be done to the data, and asks. */
async function consent(context: Context, planned: Outcome, options: ImportOptions): Promise<void> {
  const { ui } = context
  const data = planned.observed.importing
  const isToDo = planned.steps.some((step) => step.kind === 'import-storage')
  if (data === undefined || !isToDo) return
  if (!options.json) {
    ui.say(printable(`${data.path} becomes the storage of ${options.user}, with the UID of its files, ${data.uid}:`))
    for (const share of data.shares) ui.say(printable(`    + folder ${share}, of UID ${data.uid}`))
    for (const { from, to } of data.moves) ui.say(printable(`    ~ ${from} is renamed to ${to}`))
    ui.say(printable(`    + marker ${data.path}/.tmgen.json: imported, so never deleted or moved by tmgen`))
    for (const note of planned.notes) ui.note(printable(note))
  }
  if (options.yes) return
  const prompts = await context.prompts()
  if (!prompts)
    throw new TmgenError('usage', '--yes is missing: this takes over data that tmgen did not make', {
      hint: 'nothing was changed; give --yes, or run tmgen on a terminal to be asked',
    })
  await typeWord(prompts, 'Take it over? Type yes', 'yes')
}
