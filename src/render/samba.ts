import { checkQuota } from '../config/rules.ts'
import { TmgenError } from '../errors.ts'
import type { DeployedUser, Deployment } from '../resolve/types.ts'
import { readIni } from './ini.ts'
import { fill } from './template.ts'

/** Names and addresses as resolve hands them out; nothing else may stand in an smb.conf. */
const word = /^[a-z][a-z0-9-]*$/
const address = /^\d{1,3}(\.\d{1,3}){3}$/

/** Parameters that run programs or read further files: none of them belongs into a rendered smb.conf. */
const dangerous = /^(include|config file|copy)$|exec|script|command|program|panic action/

/**
 * generated/users/NAME/smb.conf: one share a Mac. The result is read back, and every value that comes from the
 * deployment must be where it belongs; `isReadBack` tells that an earlier run did so with these very bytes. Throws TmgenError `render`.
 */
export function smbConf(
  deployment: Deployment,
  user: DeployedUser,
  templates: Readonly<Record<string, string>>,
  isReadBack: (text: string) => boolean = () => false,
): string {
  const fault = (what: string) => new TmgenError('render', `smb.conf of ${JSON.stringify(user.name)}: ${what}`)
  const { gatewayIp } = deployment.network
  for (const name of [deployment.workspace.name, user.name, user.hostname, ...user.macs.map((m) => m.name)]) {
    if (!word.test(name)) throw fault(`${JSON.stringify(name)} is no name`)
  }
  if (!address.test(gatewayIp)) throw fault(`${JSON.stringify(gatewayIp)} is no address`)

  const shares = user.macs.map((m) => ({ name: m.name, path: `/srv/tmgen/${m.name}`, quota: m.quota }))
  const text = fill(templates, 'smb.conf.hbs', {
    workspaceName: deployment.workspace.name,
    userName: user.name,
    hostname: user.hostname,
    gatewayIp,
    shares,
  })
  if (isReadBack(text)) return text
  let ini: ReturnType<typeof readIni>
  try {
    ini = readIni(text)
  } catch (cause) {
    throw fault((cause as Error).message)
  }

  const expected = ['global', ...shares.map((s) => s.name)]
  if ([...ini.keys()].join() !== expected.join()) throw fault(`sections are ${[...ini.keys()].join(', ')}`)
  const must = (section: string, key: string, value: string) => {
    const found = ini.get(section)?.get(key)
    if (found !== value) throw fault(`[${section}] ${key} is ${JSON.stringify(found)}, not ${JSON.stringify(value)}`)
  }
  must('global', 'hosts allow', `${gatewayIp} 127.0.0.1`)
  must('global', 'map to guest', 'Never')
  must('global', 'server min protocol', 'SMB3_00')
  for (const share of shares) {
    // Samba takes a quota that it cannot read as no limit, so it is checked once more where it is used.
    const wrong = checkQuota(share.quota)
    if (wrong !== undefined) throw fault(`quota of ${share.name} ${wrong}`)
    must(share.name, 'path', share.path)
    must(share.name, 'valid users', user.name)
    must(share.name, 'guest ok', 'no')
    must(share.name, 'fruit:time machine', 'yes')
    must(share.name, 'fruit:time machine max size', share.quota)
  }
  for (const [section, parameters] of ini) {
    for (const [key, value] of parameters) {
      if (dangerous.test(key)) throw fault(`[${section}] has "${key}"`)
      if (/[%;#]/.test(value)) throw fault(`[${section}] ${key} holds %, ; or #`)
    }
  }
  return text
}
