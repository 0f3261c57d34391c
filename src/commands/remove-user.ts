import { TmgenError } from '../errors.ts'
import type { Deployment } from '../resolve/types.ts'
import { printable } from '../ui/printable.ts'
import { typeWord } from '../ui/prompts.ts'
import type { Context } from './context.ts'
import { look } from './look.ts'
import { converge, nextUp, tellOutcome } from './outcome.ts'
import { policyFollows } from './policy.ts'

export interface RemoveOptions {
  yes?: boolean
  /** The name once more, or true where the person is still to be asked. */
  purge?: boolean | string
  json?: boolean
}

/**
 * `tmgen remove user NAME`: access ends, the data is put aside, node and key are taken back. Asks first. With `--purge`
 * the data is deleted then, or that of a user who was removed before.
 */
export async function removeUser(context: Context, name: string, options: RemoveOptions): Promise<undefined> {
  const { ui } = context
  const { checkUser, removeUserText } = await import('../config/index.ts')
  const purge = options.purge !== undefined && options.purge !== false
  if (typeof options.purge === 'string' && options.purge !== name)
    throw new TmgenError('usage', `--purge=${printable(options.purge)} is not ${printable(name)}: nothing is deleted`, {
      hint: `--purge=${printable(name)} says it twice`,
    })
  const { deployment } = await look(context, 'no')
  const isRetired = deployment.retired.includes(name)
  const isKnown = isRetired || deployment.users.some((user) => user.name === name)
  if (!options.yes && isKnown) await confirm(context, name, purge)
  if (purge) await confirmPurge(context, name, options, isKnown, deployment)
  const outcome = await converge(context, `removing ${name}`, {
    name: `remove user ${name}${purge ? ' --purge' : ''}`,
    edit: (parsed) => {
      // Taken out of tmgen.yaml before, by hand or by a run that did not end.
      if (isRetired && !parsed.config.users.some((user) => user.name === name)) return parsed.text
      checkUser(parsed, name)
      return removeUserText(parsed, name)
    },
    remove: name,
    purge,
    permits: 'access',
    remote: 'write',
    users: [name],
  })
  const { host, control } = outcome.deployment
  tellOutcome(ui, outcome, options.json, { user: name })
  if (options.json || !isKnown) return undefined
  if (host === 'remote') {
    ui.say(`Next: ${nextUp(host)} --remove-orphans`)
    ui.say(
      `The data stays on the Docker host, at ${storageOf(outcome.observed.leaving)}: tmgen is not there to put it aside.`,
    )
  }
  if (control.provider === 'manual')
    ui.say(
      `tmgen does not speak with your control plane: delete the node ${nodeOf(outcome.observed.leaving, name)} there.`,
    )
  if (control.provider !== 'embedded')
    ui.say(`The policy of the tailnet may forget ${name}: ${policyFollows(control.provider)}`)
  return undefined
}

type Leaving = Awaited<ReturnType<typeof converge>>['observed']['leaving']
const storageOf = (leaving: Leaving) => printable(leaving?.user.storage ?? 'the storage folder')
const nodeOf = (leaving: Leaving, name: string) => leaving?.user.hostname ?? `tm-${name}`

/** The name has to be typed; --yes answers where nobody sits at a terminal. */
async function confirm(context: Context, name: string, purge: boolean): Promise<void> {
  const prompts = await context.prompts()
  if (!prompts)
    throw new TmgenError('usage', `--yes is missing: remove user ${name} ends access for good`, {
      hint: purge
        ? `give --yes --purge=${name}, or run tmgen on a terminal to be asked`
        : 'the data is kept; give --yes, or run tmgen on a terminal to be asked',
    })
  const data = purge ? 'and the backups go with them' : 'the backups are kept, in an archive beside the others'
  context.ui.say(`${name} loses access, password and node for good; ${data}.`)
  context.ui.say(`For a while only: tmgen disable user ${name}`)
  await typeWord(prompts, `Type ${name} to remove ${name}`, name)
}

/** Shows what is deleted, and has the name typed for that alone: --yes does not answer it, --purge=NAME does. */
async function confirmPurge(
  context: Context,
  name: string,
  options: RemoveOptions,
  isKnown: boolean,
  deployment: Deployment,
): Promise<void> {
  const { findPurgeable } = await import('../converge/index.ts')
  const storage = deployment.users.find((user) => user.name === name)?.storage
  const earlier = isKnown
    ? []
    : (await findPurgeable(await context.world(), deployment, { user: name })).found.map(({ path }) => path)
  if (!isKnown && earlier.length === 0) return
  for (const path of isKnown ? [storage ?? `what is kept of ${name}`] : earlier)
    context.ui.note(printable(`to be deleted for good: ${path}`))
  if (options.purge === name) return
  const prompts = await context.prompts()
  if (!prompts)
    throw new TmgenError('usage', `--purge deletes the backups of ${name} for good: the name has to be given again`, {
      hint: `--yes --purge=${name}`,
    })
  await typeWord(prompts, `Type ${name} once more to delete these backups: nothing brings them back`, name)
}
