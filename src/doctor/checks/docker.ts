import { isBefore, versionOf } from '../../version.ts'
import { type Check, fail, NotSeen, ok, warn } from '../types.ts'

/** The oldest engine that the tests ran on. */
const leastEngine = [20, 10]
/** `include` in compose.yaml came with it. */
const leastCompose = [2, 20]

const engine: Check = {
  name: 'docker',
  looks: 'whether the Docker engine answers, and is 20.10 or newer.',
  cause: 'nothing runs without it.',
  remedy:
    'start it (systemctl start docker), or add the user who runs tmgen to the group docker; install Docker Engine 20.10 or newer',
  test: async (patient) => {
    await patient.dockerHost()
    const info = await patient.tryDocker()
    if ('error' in info) return fail(info.error.message)
    const version = versionOf(info.value.ServerVersion)
    if (!version) throw new NotSeen(`Docker names no version: ${info.value.ServerVersion}`)
    const text = `Docker ${info.value.ServerVersion}`
    return isBefore(version, leastEngine) ? fail(`${text} is older than ${leastEngine.join('.')}`) : ok(text)
  },
}

const compose: Check = {
  name: 'compose',
  looks: 'whether docker compose is there, and is 2.20 or newer.',
  cause: 'older ones do not know `include`, and refuse compose.yaml.',
  remedy: 'install the compose plugin of Docker: https://docs.docker.com/compose/install/linux/',
  test: async (patient) => {
    await patient.docker()
    const { exitCode, stdout } = await patient.world.docker.run(['compose', 'version', '--short'])
    if (exitCode !== 0) return fail('docker compose is not there')
    const version = versionOf(stdout)
    if (!version) throw new NotSeen(`docker compose names no version: ${stdout.trim()}`)
    const text = `Compose ${stdout.trim()}`
    return isBefore(version, leastCompose) ? fail(`${text} is older than ${leastCompose.join('.')}`) : ok(text)
  },
}

const userNamespaces: Check = {
  name: 'user-namespaces',
  looks: 'whether Docker shifts UIDs (userns-remap) or runs rootless.',
  cause:
    'the UIDs that own shares, keys and state are then others inside the containers: the gateway cannot read its keys, and Samba cannot write to the shares.',
  remedy: 'run tmgen’s stack on an engine without userns-remap that runs as root',
  test: async (patient) => {
    const { SecurityOptions } = await patient.docker()
    const names = SecurityOptions.flatMap((option) => /\bname=(userns|rootless)\b/.exec(option)?.[1] ?? [])
    if (names.length === 0) return ok('UIDs are the host’s')
    return fail(...names.map((name) => (name === 'userns' ? 'Docker runs with userns-remap' : 'Docker runs rootless')))
  },
}

const limits: Check = {
  name: 'limits',
  looks: 'whether the kernel lets Docker bound memory and processes.',
  cause: 'without them one person’s Samba, or the gateway, can use up the whole host.',
  remedy:
    'start the kernel with cgroup_enable=memory (Debian on small boards has it off), and see that the pids cgroup is there',
  test: async (patient) => {
    const { MemoryLimit, PidsLimit } = await patient.docker()
    const missing = [...(MemoryLimit ? [] : ['memory']), ...(PidsLimit ? [] : ['the number of processes'])]
    return missing.length === 0 ? ok('memory and processes') : warn(`Docker cannot limit ${missing.join(' and ')} here`)
  },
}

export const dockerChecks = [engine, compose, userNamespaces, limits]
