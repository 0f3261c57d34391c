import Handlebars from 'handlebars'
import { TmgenError } from '../errors.ts'

const compiled = new Map<string, Handlebars.TemplateDelegate>()

/**
 * Fills in a template (noEscape, strict: an unknown name is an error, and only the built-in helpers exist).
 * Throws TmgenError `render` when the template is absent or names something that the context lacks.
 */
export function fill(templates: Readonly<Record<string, string>>, name: string, context: object): string {
  const text = templates[name]
  if (text === undefined) throw new TmgenError('render', `template ${name} is missing from the package`)
  let template = compiled.get(text)
  if (!template) {
    template = Handlebars.compile(text, { noEscape: true, strict: true, knownHelpersOnly: true })
    compiled.set(text, template)
  }
  try {
    return template(context)
  } catch (cause) {
    throw new TmgenError('render', `template ${name}: ${(cause as Error).message}`, { cause })
  }
}
