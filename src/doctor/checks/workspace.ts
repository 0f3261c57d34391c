import { envOwner, envRepair, openSecrets } from '../../converge/index.ts'
import { count } from '../../count.ts'
import { TmgenErrors } from '../../errors.ts'
import { type Check, fail, NotSeen, ok, warn } from '../types.ts'

const workspace: Check = {
  name: 'workspace',
  looks: 'at tmgen.yaml, tmgen.lock.json and the state beside them.',
  cause: 'tmgen does nothing with a config that has a fault, or with a lock that is lost or older than the state.',
  remedy:
    'correct what is named; take tmgen.lock.json from git or a backup, or make it anew by `tmgen lock rebuild`; an interrupted command is ended by `tmgen generate`',
  test: async (patient) => {
    const opened = await patient.tryInspection()
    if ('value' in opened) {
      const { notes, deployment } = opened.value
      return notes.length > 0 ? warn(...notes) : ok(count(deployment.users.length, 'user'))
    }
    const { error } = opened
    return fail(...(error instanceof TmgenErrors ? error.errors : [error]).map((one) => one.message))
  },
}

const owner: Check = {
  name: 'workspace-owner',
  looks: 'whether .env names the owner of the workspace.',
  cause:
    'the gateway (and an embedded Headscale) runs as TMGEN_UID:TMGEN_GID and cannot read its keys and state as another.',
  remedy:
    'write the owner of the workspace into .env, or give the workspace back to who is named there (chown -R), then `docker compose up -d`',
  test: async (patient) => {
    await patient.here()
    const { dir } = await patient.inspection()
    const owner = await envOwner(patient.world, dir)
    if (!owner) throw new NotSeen(`${dir} is gone`)
    const { is, says } = owner
    if (says === undefined) return fail('.env is missing: the containers do not start without TMGEN_UID and TMGEN_GID')
    return is === says ? ok(`owner ${is}`) : fail(`the workspace belongs to ${is}, .env says ${says}`)
  },
  repair: async (patient) => {
    await patient.here()
    return envRepair(patient.world, (await patient.inspection()).dir)
  },
}

const secrets: Check = {
  name: 'secrets',
  looks: 'whether secrets/ and all that lies in it is closed to everybody but its owner.',
  cause: 'whoever can log in to this host reads the passwords and auth keys.',
  remedy: 'close them: `chmod -R go= secrets`; where others may have read them: `tmgen rotate NAME --password`',
  test: async (patient) => {
    const { dir } = await patient.inspection()
    const open = await openSecrets(patient.world, dir)
    return open.length === 0 ? ok('closed') : fail(...open.map(({ path }) => `${path} is open to others`))
  },
  repair: async (patient) => openSecrets(patient.world, (await patient.inspection()).dir),
}

export const workspaceChecks = [workspace, owner, secrets]
