import type { Context } from './context.ts'
import { converge, nextUp, tellOutcome } from './outcome.ts'

/** `tmgen generate`: everything local that follows from tmgen.yaml. With --check it writes nothing and answers by exit code. */
export async function generate(context: Context, options: { check?: boolean; json?: boolean }): Promise<number> {
  const { ui } = context
  const outcome = await converge(context, options.check ? 'comparing' : 'generating', {
    name: 'generate',
    permits: 'local',
    remote: 'no',
    ...(options.check ? { checkOnly: true } : {}),
  })
  const changes = outcome.steps.length > 0
  tellOutcome(ui, outcome, options.json, { changes })
  if (options.json) return options.check && changes ? 1 : 0
  if (!changes) ui.say('nothing to do: generated/ is as tmgen.yaml wants it')
  else if (options.check) ui.say('the lines above would change: run tmgen generate')
  else ui.say(`Next: ${nextUp(outcome.deployment.host)}`)
  return options.check && changes ? 1 : 0
}
