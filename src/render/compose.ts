import { createHash } from 'node:crypto'
import { TmgenError } from '../errors.ts'
import { isTelling } from '../resolve/telling.ts'
import type { DeployedUser, Deployment } from '../resolve/types.ts'
import { imageSources } from './contexts.ts'
import { gatewayService } from './gateway-service.ts'
import { headscaleService } from './headscale-service.ts'
import { madeBy, markerText, usersByName } from './marker.ts'
import { looksVolume, monitorServices } from './monitor-services.ts'
import { sambaBuild, sambaParts, sambaService, statusVolumes } from './samba-service.ts'
import type { RenderInputs } from './types.ts'
import { toYaml, type YamlMap } from './yaml.ts'

/**
 * The compose project as generated/docker-compose.yml holds it. Paths are as seen from the workspace, which
 * compose.yaml names as project directory.
 * @param smbConf smb.conf by user name, as rendered
 */
export function composeModel(
  deployment: Deployment,
  inputs: RenderInputs,
  smbConf: ReadonlyMap<string, string>,
): YamlMap {
  const images = imageSources(deployment, inputs)
  const users = usersByName(deployment)
  const services: YamlMap = { gateway: gatewayService(deployment, images.get('gateway')!) }
  const headscale = images.get('headscale')
  if (headscale) services.headscale = headscaleService(deployment, headscale, inputs.headscaleFiles)

  const parts = sambaParts(deployment, images.get('samba')!)
  for (const [i, user] of users.entries()) {
    const hash = configHash(deployment, user, smbConf.get(user.name), inputs.passwordVersions[user.name])
    const build = i === 0 ? sambaBuild(images.get('samba')!) : undefined
    services[`samba-${user.name}`] = sambaService(parts, user, hash, build)
  }
  if (users.length > 0) Object.assign(services, monitorServices(deployment, images.get('monitor')!))
  const { service, environment, config, password, storage } = parts
  return {
    ...(users.length === 0
      ? {}
      : {
          'x-samba': service,
          'x-samba-environment': environment,
          'x-samba-mounts': { config, password, storage },
        }),
    services,
    networks: networks(deployment),
    ...(users.length > 0 ? { volumes: { ...looksVolume, ...statusVolumes(users) } } : {}),
  }
}

/** Text of generated/docker-compose.yml. */
export function composeText(model: YamlMap): string {
  return toYaml([madeBy, 'What you choose yourself goes to docker-compose.base.yml and .env.'], model)
}

/** 12 hex digits over what a Samba container reads at start only: smb.conf, the password's version, its marker. */
function configHash(
  deployment: Deployment,
  user: DeployedUser,
  smbConf: string | undefined,
  passwordVersion: string | undefined,
): string {
  if (smbConf === undefined) throw new TmgenError('render', `no smb.conf was rendered for ${user.name}`)
  const parts = [smbConf, passwordVersion ?? '', markerText(deployment, user)]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12)
}

function networks(deployment: Deployment): YamlMap {
  const { network, workspace } = deployment
  const uplink: YamlMap = {}
  if (network.ipv6) {
    // A ULA /64 (RFC 4193) from the workspace id: Docker before 27 deals no IPv6 subnets by itself.
    const id = workspace.id.padEnd(10, '0')
    uplink.enable_ipv6 = true
    uplink.ipam = { config: [{ subnet: `fd${id.slice(0, 2)}:${id.slice(2, 6)}:${id.slice(6, 10)}::/64` }] }
  }
  return {
    shares: {
      internal: true,
      ipam: {
        config: [{ subnet: network.subnet, gateway: network.bridgeIp, ip_range: network.dynamicRange }],
      },
    },
    uplink,
    ...(isTelling(deployment) && usersByName(deployment).length > 0 ? { alerts: {} } : {}),
  }
}

/** compose.yaml of a new workspace: five lines that put a person's file and the generated one together. */
export function composeEntry(workspaceName: string): string {
  return toYaml([], {
    name: workspaceName,
    include: [{ path: ['docker-compose.base.yml', 'generated/docker-compose.yml'], project_directory: '.' }],
  })
}
