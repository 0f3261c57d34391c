import { z } from 'zod'
import { type Service, serviceText } from '../../stack/services.ts'
import { versionOf } from '../../version.ts'
import type { Patient } from '../patient.ts'
import { type Check, fail, NotSeen, ok, warn, worst } from '../types.ts'

/** Samba's containers by user; NotSeen where there are no users. */
async function servers(patient: Patient): Promise<[string, Service | undefined][]> {
  const users = await patient.served()
  const services = await patient.services()
  return users.map((user) => [user.name, services.get(`samba-${user.name}`)])
}

const samba: Check = {
  name: 'samba',
  looks: 'whether each user’s Samba container runs and is healthy.',
  cause: 'that person’s Macs reach the node, and no share behind it.',
  remedy:
    'docker compose up -d; `tmgen logs NAME --samba` says why it refuses (a disk that is not mounted, a marker that is not its own)',
  test: async (patient) => {
    const [down, starting]: [string[], string[]] = [[], []]
    const all = await servers(patient)
    for (const [user, service] of all) {
      const text = serviceText(service)
      if (text === 'starting') starting.push(`Samba of ${user} is starting`)
      else if (text !== 'healthy') down.push(`Samba of ${user} is ${text}`)
    }
    return worst(down, starting, `all ${all.length} healthy`)
  },
}

const healthSchema = z.object({ Log: z.array(z.object({ Output: z.string() })).nullish() }).nullish()

const firewall: Check = {
  name: 'samba-firewall',
  looks: 'whether the containers have their own firewall (nf_tables).',
  cause: 'other containers on the internal network can try passwords; `hosts allow` and the password still stand.',
  remedy: 'a kernel with nf_tables, and its module loaded on the host: modprobe nf_tables',
  test: async (patient) => {
    const running = (await servers(patient)).filter(([, service]) => service?.state === 'running' && service.id !== '')
    if (running.length === 0) throw new NotSeen('no Samba container runs')
    const ids = running.map(([, service]) => service!.id)
    const { stdout } = await patient.world.docker.run(['inspect', '--format', '{{json .State.Health}}', ...ids])
    const lines = stdout.split('\n').filter((line) => line !== '')
    if (lines.length !== ids.length) throw new NotSeen('docker inspect did not show the containers')
    const without: string[] = []
    let told = 0
    for (const [index, line] of lines.entries()) {
      const output = healthSchema.parse(JSON.parse(line))?.Log?.at(-1)?.Output ?? ''
      if (/firewall (on|unavailable|not set up)/.test(output)) told++
      const why = /firewall ((?:unavailable|not set up).*)/.exec(output)?.[1]
      if (why !== undefined) without.push(`Samba of ${running[index]![0]}: firewall ${why}`)
    }
    if (without.length > 0) return warn(...without)
    if (told < running.length) throw new NotSeen(`${running.length - told} containers had no health check yet`)
    return ok(`on in all ${told}`)
  },
}

const version: Check = {
  name: 'samba-version',
  looks: 'whether Samba is one that Time Machine works with.',
  cause: 'Samba 4.22.0 to 4.22.5 and 4.23.0 to 4.23.2 break Time Machine (Samba bug 15926).',
  remedy: 'an image with Samba 4.22.6, 4.23.3 or newer (images.samba or images.debian in tmgen.yaml)',
  test: async (patient) => {
    const [first] = (await servers(patient)).filter(([, service]) => service?.state === 'running')
    if (!first) throw new NotSeen('no Samba container runs')
    const { dir } = await patient.inspection()
    const args = ['compose', 'exec', '-T', `samba-${first[0]}`, 'smbd', '--version']
    const { stdout } = await patient.world.docker.run(args, { cwd: dir })
    const [major, minor, patch = 0] = versionOf(stdout) ?? []
    if (major === undefined) throw new NotSeen('smbd named no version')
    const broken = major === 4 && ((minor === 22 && patch <= 5) || (minor === 23 && patch <= 2))
    const text = `Samba ${major}.${minor}.${patch}`
    return broken ? fail(`${text} breaks Time Machine`) : ok(text)
  },
}

export const sambaChecks = [samba, firewall, version]
