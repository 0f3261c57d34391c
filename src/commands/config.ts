import type { Context } from './context.ts'

/** `tmgen config schema`: the JSON Schema on stdout. */
export async function configSchema({ ui }: Context): Promise<undefined> {
  const { configJsonSchema } = await import('../config/index.ts')
  ui.data(configJsonSchema())
}

/** `tmgen config reference`: the reference page on stdout. */
export async function configReference({ ui }: Context): Promise<undefined> {
  const config = await import('../config/index.ts')
  ui.data(config.configReference())
}
