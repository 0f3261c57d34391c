import { configJsonSchema } from '../config/index.ts'
import type { Deployment } from '../resolve/types.ts'
import { artefacts } from './artefacts.ts'
import type { RenderInputs, Tree } from './types.ts'

export { composeEntry } from './compose.ts'
export { type GuideOptions, guide } from './guide.ts'
export { markerFile, markerText } from './marker.ts'
export { alertsPath, type BindSource, bindSources, shellWord } from './prepare.ts'
export { type RestoreAccess, restoreFiles, restoreFolder, restoreProject } from './restore-access.ts'
export type { RenderInputs, Tree, TreeFile } from './types.ts'

/**
 * The whole of generated/: the same deployment and inputs give the same bytes. Touches nothing; what is made from the
 * deployment is read back before it is handed out.
 * @returns files by path from the workspace
 * @throws TmgenError `render` (a fault of tmgen, not of the config)
 */
export function render(deployment: Deployment, inputs: RenderInputs): Tree {
  const schema = { content: configJsonSchema(), mode: 0o644 }
  return new Map([...artefacts(deployment, inputs), ['generated/tmgen.schema.json', schema]])
}
