import { type Finding, findingText, judgePolicy } from '../../control/index.ts'
import { findOrphans } from '../../converge/index.ts'
import { TmgenError } from '../../errors.ts'
import { servedUsers } from '../../resolve/nodes.ts'
import { type Check, fail, NotSeen, ok, warn } from '../types.ts'

const day = 24 * 3600_000

const reachable: Check = {
  name: 'control-server',
  looks: 'whether the control server answers at the URL that the nodes register with.',
  cause:
    'nodes that are not enrolled cannot join, and changes of the tailnet do not arrive; connections that run go on.',
  remedy: 'start it, or correct control.url; a certificate of a private authority needs NODE_EXTRA_CA_CERTS for tmgen',
  test: async (patient) => {
    const { controlUrl } = await patient.deployment()
    const answer = await patient.tryControlServer()
    return 'error' in answer ? fail(answer.error.message) : ok(`${controlUrl} answers`)
  },
}

/** Days: Let's Encrypt's are renewed 30 days before their end, so fewer than 14 mean that it failed. */
const fewDays = 14

const certificate: Check = {
  name: 'certificate',
  looks: 'how long the control server’s certificate is valid, and whether it is for its name and by a known authority.',
  cause: 'once it has run out, neither nodes nor Macs talk to the control server.',
  remedy:
    'renew it; with an authority of your own: its file in NODE_EXTRA_CA_CERTS for tmgen, SSL_CERT_FILE for the gateway',
  test: async (patient) => {
    const { controlUrl } = await patient.deployment()
    if (!controlUrl.startsWith('https:')) throw new NotSeen('the control server speaks http')
    const { validTo, fault } = await patient.world.host.certificate(controlUrl)
    const days = Math.floor((validTo.getTime() - patient.world.now().getTime()) / day)
    const text = `valid until ${validTo.toISOString().slice(0, 10)}, ${days} days`
    if (days < 0) return fail(`the certificate ran out on ${validTo.toISOString().slice(0, 10)}`)
    if (fault !== undefined) return warn(`the certificate is not accepted here: ${fault}`, text)
    return days < fewDays ? warn(text) : ok(text)
  },
}

/** Milliseconds: below the first nobody notices; from the second on certificates and expiries are misjudged. */
const skew = { warn: 30_000, fail: 300_000 }

const clock: Check = {
  name: 'clock',
  looks: 'how far this host’s clock is from the control server’s (Date of an answer).',
  cause: 'keys and certificates count as expired, or not yet valid; dates of backups are judged wrongly.',
  remedy: 'set the clock by NTP: timedatectl set-ntp true; where this host is right, the control server’s',
  test: async (patient) => {
    const answer = await patient.tryControlServer()
    if ('error' in answer) throw new NotSeen('the control server does not answer')
    const { asked, answered, date } = answer.value
    if (date === undefined) throw new NotSeen('the control server names no date')
    // The header is cut to whole seconds.
    const ahead = Math.max(0, asked.getTime() - date.getTime() - 1000)
    const behind = Math.max(0, date.getTime() - answered.getTime())
    const off = Math.max(ahead, behind)
    const text = `${Math.round(off / 1000)} s ${ahead > behind ? 'ahead of' : 'behind'} the control server`
    if (off >= skew.fail) return fail(text)
    return off >= skew.warn ? warn(text) : ok('as the control server’s')
  },
}

const credential: Check = {
  name: 'credential',
  looks: 'whether the control plane takes tmgen’s credential, for keys, devices and users.',
  cause: 'tmgen can neither make keys for new nodes nor see which there are.',
  remedy:
    'make a new API key or OAuth client (scopes auth_keys, devices:core, policy_file) and export it; an embedded Headscale must run',
  test: async (patient) => {
    const provider = await patient.provider()
    try {
      const { server, version } = await provider.check()
      return ok(version === undefined ? server : `${server} ${version}`)
    } catch (error) {
      if (error instanceof TmgenError) return fail(error.message)
      throw error
    }
  },
}

const policy: Check = {
  name: 'policy',
  looks: 'whether the tailnet policy can be read, lets nobody but its user reach a node, and no node reach anybody.',
  cause: 'one of the four locks between two people is open; without any rule of ours nobody gets in at all.',
  remedy: '`tmgen policy apply` puts in the rules that are needed, `tmgen policy check` names those to narrow',
  test: async (patient) => {
    const deployment = await patient.deployment()
    if (servedUsers(deployment).length === 0) throw new NotSeen('no users yet')
    const provider = await patient.provider()
    let findings: Finding[]
    try {
      const policy = await provider.readPolicy()
      const features = await provider.policyFeatures()
      findings = judgePolicy({ policy, nodes: await patient.nodes(), features }, deployment)
    } catch (error) {
      if (!(error instanceof TmgenError)) throw error
      if (error.code === 'control-unreachable') throw new NotSeen(error.message)
      return fail(`the policy cannot be read: ${error.message}`)
    }
    if (findings.length === 0) return ok('nobody but its user reaches a node, and no node reaches anybody')
    return warn(...findings.map(findingText))
  },
}

const orphans: Check = {
  name: 'orphans',
  looks: 'for nodes and auth keys in the control plane that look like ours and belong to nobody here.',
  cause: 'a key that nobody knows of can still make a node of ours; an old node keeps a name.',
  remedy: '`tmgen orphans` lists them, and removes those that are named; another workspace in the tailnet may own them',
  test: async (patient) => {
    const { deployment, observed } = await patient.inspection()
    const provider = await patient.provider()
    const seen = { nodes: await patient.nodes(), keys: await provider.listKeys() }
    const found = findOrphans(deployment, seen, observed, patient.world.now()).filter(({ online }) => !online)
    if (found.length === 0) return ok('none')
    return warn(...found.map(({ id, what, name, why }) => `${id} (${what === 'key' ? 'key for ' : ''}${name}): ${why}`))
  },
}

export const controlChecks = [reachable, certificate, clock, credential, policy, orphans]
