import { createHash } from 'node:crypto'
import type { Deployment } from '../resolve/types.ts'
import { caddyConfig } from './caddy.ts'
import { composeModel, composeText } from './compose.ts'
import { imageSources } from './contexts.ts'
import { headscaleConfig, headscaleText } from './headscale.ts'
import { usersByName } from './marker.ts'
import { monitorSettings } from './monitor-settings.ts'
import { prepareScript } from './prepare.ts'
import { smbConf } from './samba.ts'
import type { RenderInputs, Tree, TreeFile } from './types.ts'
import { verifyJson, verifyYaml } from './verify.ts'

/**
 * All of generated/ but the JSON Schema, which is the same in every workspace. Paths from the workspace, sorted;
 * every file is read back before it is handed out, unless an earlier run did so with the same bytes. Throws TmgenError `render`.
 */
export function artefacts(deployment: Deployment, inputs: RenderInputs): Tree {
  const tree = new Map<string, TreeFile>()
  const put = (path: string, content: string | Uint8Array, mode = 0o644) =>
    tree.set(`generated/${path}`, { content, mode })

  const isReadBack = (text: string) => inputs.readBack?.has(createHash('sha256').update(text).digest('hex')) === true
  const smb = new Map(
    usersByName(deployment).map((u) => [u.name, smbConf(deployment, u, inputs.templates, isReadBack)]),
  )
  for (const [name, text] of smb) put(`users/${name}/smb.conf`, text)

  const compose = composeModel(deployment, inputs, smb)
  const composeYaml = composeText(compose)
  if (!isReadBack(composeYaml)) verifyYaml('generated/docker-compose.yml', composeYaml, compose)
  put('docker-compose.yml', composeYaml)

  const caddy = caddyConfig(deployment)
  const caddyJson = `${JSON.stringify(caddy, null, 2)}\n`
  if (!isReadBack(caddyJson)) verifyJson('generated/caddy/config.json', caddyJson, caddy)
  put('caddy/config.json', caddyJson)

  if (deployment.control.provider === 'embedded') {
    const headscale = headscaleConfig(deployment)
    const headscaleYaml = headscaleText(deployment, headscale)
    if (!isReadBack(headscaleYaml)) verifyYaml('generated/headscale/config.yaml', headscaleYaml, headscale)
    put('headscale/config.yaml', headscaleYaml)
  }

  const settings = monitorSettings(deployment)
  const settingsJson = `${JSON.stringify(settings, null, 2)}\n`
  if (!isReadBack(settingsJson)) verifyJson('generated/monitor/settings.json', settingsJson, settings)
  put('monitor/settings.json', settingsJson)

  put('prepare.sh', prepareScript(deployment, inputs.templates), 0o755)
  for (const [name, source] of imageSources(deployment, inputs)) {
    if (!source.build) continue
    for (const [path, file] of inputs.contexts[name]) put(`images/${name}/${path}`, file.content, file.mode)
  }
  return new Map([...tree].sort(([a], [b]) => (a < b ? -1 : 1)))
}
