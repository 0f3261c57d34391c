import { TmgenError } from '../errors.ts'
import type { DeployedUser, Deployment } from '../resolve/types.ts'
import { imageSources } from './contexts.ts'
import { readIni } from './ini.ts'
import { madeBy } from './marker.ts'
import { smbConf } from './samba.ts'
import { sambaNeeds, servedUser } from './samba-service.ts'
import { common, imageOf, mount, owner } from './service-parts.ts'
import type { RenderInputs } from './types.ts'
import { literal, toYaml, type YamlMap } from './yaml.ts'

/** Access from a LAN to one user's backups, for a restore. */
export interface RestoreAccess {
  user: string
  /** Private IPv4 CIDR that may connect. */
  lan: string
  /** Where the relay listens: an address of this host, and a TCP port. */
  address: string
  port: number
  /** Seconds since 1970. */
  until: number
  /** A free /29 for relay and server: .2 and .3. */
  subnet: string
  /** Macs whose share is there. */
  macs: readonly string[]
}

/** Folder of the files, from the workspace. */
export const restoreFolder = (user: string): string => `state/restore/${user}`
/** Name of the compose project; the workspace's own does not know of it. */
export const restoreProject = (deployment: Deployment, user: string): string =>
  `${deployment.workspace.name}-restore-${user}`

const relayPort = 1445

/** Ends the server at the time that is set, and with 0 then alone, so that Docker starts it again only before. */
const untilThen = `left=$((TMGEN_UNTIL - $(date +%s)))
[ "$left" -gt 0 ] || exit 0
timeout -k 30 "$left" /bin/sh /usr/lib/tmgen/entrypoint &
child=$!
trap 'kill "$child"; wait "$child"; exit 1' TERM INT
wait "$child" || :
[ "$(date +%s)" -ge "$TMGEN_UNTIL" ] && exit 0
exit 1`

/**
 * The files of a restore access: a relay on the LAN that admits one network, and behind it, on a network of their own, a
 * second Samba with the user's data mounted read-only that admits the relay alone. The user's own server is not touched.
 * Pure; paths from the workspace. Throws TmgenError `render`.
 */
export function restoreFiles(
  deployment: Deployment,
  inputs: Pick<RenderInputs, 'contexts' | 'templates'>,
  access: RestoreAccess,
): { path: string; content: string }[] {
  const found = deployment.users.find((one) => one.name === access.user)
  if (found === undefined) throw new TmgenError('render', `no user ${access.user}`)
  const user: DeployedUser = { ...found, macs: found.macs.filter((mac) => access.macs.includes(mac.name)) }
  const folder = restoreFolder(user.name)
  const [relayIp, sambaIp] = [hostIn(access.subnet, 2), hostIn(access.subnet, 3)]
  const relay = inputs.templates['restore-relay.pl']
  if (relay === undefined) throw new TmgenError('render', 'templates/restore-relay.pl is missing')
  return [
    {
      path: `${folder}/compose.yaml`,
      content: toYaml([madeBy], composeModel(deployment, inputs as RenderInputs, user, access, relayIp, sambaIp)),
    },
    { path: `${folder}/samba/smb.conf`, content: readOnlyConf(deployment, user, relayIp, inputs.templates) },
    { path: `${folder}/relay/relay.pl`, content: relay },
  ]
}

/** n-th address of a subnet whose last byte leaves room. */
const hostIn = (subnet: string, n: number) =>
  subnet.replace(/\.(\d+)\/\d+$/, (_all, last: string) => `.${Number(last) + n}`)

/** The user's smb.conf for the relay: nothing can be written, and all is encrypted, because a LAN has no WireGuard. */
function readOnlyConf(
  deployment: Deployment,
  user: DeployedUser,
  relayIp: string,
  templates: Readonly<Record<string, string>>,
): string {
  const forRelay = { ...deployment, network: { ...deployment.network, gatewayIp: relayIp } }
  const text = smbConf(forRelay, user, templates)
    .replace(/^( *read only =) no$/gm, '$1 yes')
    .replace(/^( *server smb encrypt =) if_required$/m, '$1 required')
  const ini = readIni(text)
  const isSafe =
    ini.get('global')?.get('server smb encrypt') === 'required' &&
    user.macs.every((mac) => ini.get(mac.name)?.get('read only') === 'yes')
  if (!isSafe) throw new TmgenError('render', `smb.conf of the restore of ${user.name} is not read-only and encrypted`)
  return text
}

function composeModel(
  deployment: Deployment,
  inputs: RenderInputs,
  user: DeployedUser,
  access: RestoreAccess,
  relayIp: string,
  sambaIp: string,
): YamlMap {
  const folder = `./${restoreFolder(user.name)}`
  const shared = {
    ...imageOf('samba', imageSources(deployment, inputs).get('samba')!, false),
    ...common,
    restart: 'on-failure',
    labels: { 'tmgen.restore': deployment.workspace.id, 'tmgen.restore.user': user.name },
  }
  const until = String(access.until)
  return {
    name: restoreProject(deployment, user.name),
    services: {
      relay: {
        ...shared,
        user: owner,
        entrypoint: ['/usr/bin/perl', '/etc/tmgen/relay.pl'],
        environment: { TMGEN_LAN: access.lan, TMGEN_UPSTREAM: `${sambaIp}:445`, TMGEN_UNTIL: until },
        healthcheck: { disable: true },
        volumes: [mount(`${folder}/relay`, '/etc/tmgen', true)],
        networks: { inside: { ipv4_address: relayIp }, lan: {} },
        ports: [`${access.address}:${access.port}:${relayPort}/tcp`],
        mem_limit: '256m',
        pids_limit: 64,
        depends_on: ['samba'],
      },
      samba: {
        ...shared,
        entrypoint: ['/bin/sh', '-c', literal(untilThen)],
        hostname: user.hostname,
        ...sambaNeeds,
        environment: {
          TMGEN_WORKSPACE: deployment.workspace.id,
          TMGEN_GATEWAY_IP: relayIp,
          ...servedUser(user),
          TMGEN_UNTIL: until,
        },
        volumes: [
          mount(`${folder}/samba`, '/etc/tmgen', true),
          mount(`./secrets/smb/${user.name}`, '/run/secrets/tmgen', true),
          mount(user.storage, '/srv/tmgen', true),
        ],
        networks: { inside: { ipv4_address: sambaIp } },
        mem_limit: '1g',
        pids_limit: 128,
        stop_grace_period: '30s',
      },
    },
    networks: {
      inside: { internal: true, ipam: { config: [{ subnet: access.subnet }] } },
      lan: {},
    },
  }
}
