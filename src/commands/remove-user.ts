import { TmgenError } from '../errors.ts'
import { printable } from '../ui/printable.ts'
import type { Context } from './context.ts'
import { look } from './look.ts'
import { converge, nextUp, tellOutcome } from './outcome.ts'

/** `tmgen remove user NAME`: access ends, the data is put aside, node and key are taken back. Asks first. */
export async function removeUser(
  context: Context,
  name: string,
  options: { yes?: boolean; json?: boolean },
): Promise<undefined> {
  const { ui } = context
  const { checkUser, removeUserText } = await import('../config/index.ts')
  const { deployment } = await look(context, 'no')
  const isRetired = deployment.retired.includes(name)
  if (!options.yes && (isRetired || deployment.users.some((user) => user.name === name))) await confirm(context, name)
  const outcome = await converge(context, `removing ${name}`, {
    name: `remove user ${name}`,
    edit: (parsed) => {
      // Taken out of tmgen.yaml before, by hand or by a run that did not end.
      if (isRetired && !parsed.config.users.some((user) => user.name === name)) return parsed.text
      checkUser(parsed, name)
      return removeUserText(parsed, name)
    },
    remove: name,
    permits: 'access',
    remote: 'write',
    users: [name],
  })
  const { host, control } = outcome.deployment
  tellOutcome(ui, outcome, options.json, { user: name })
  if (options.json) return undefined
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
    ui.say(`The policy of the tailnet may forget ${name}: paste what tmgen policy show prints.`)
  return undefined
}

type Leaving = Awaited<ReturnType<typeof converge>>['observed']['leaving']
const storageOf = (leaving: Leaving) => printable(leaving?.user.storage ?? 'the storage folder')
const nodeOf = (leaving: Leaving, name: string) => leaving?.user.hostname ?? `tm-${name}`

/** The name has to be typed; --yes answers where nobody sits at a terminal. */
async function confirm(context: Context, name: string): Promise<void> {
  const prompts = await context.prompts()
  if (!prompts)
    throw new TmgenError('usage', `--yes is missing: remove user ${name} ends access for good`, {
      hint: 'the data is kept; give --yes, or run tmgen on a terminal to be asked',
    })
  context.ui.say(
    `${name} loses access, password and node for good; the backups are kept, in an archive beside the others.`,
  )
  context.ui.say(`For a while only: tmgen disable user ${name}`)
  await prompts.text(`Type ${name} to remove ${name}`, {
    fault: (answer) => (answer === name ? undefined : `type ${name}, or press Ctrl-C`),
  })
}
