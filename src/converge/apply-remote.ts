import { durationSeconds } from '../config/index.ts'
import { keyDescription } from '../control/keys.ts'
import type { Provider } from '../control/types.ts'
import { TmgenError } from '../errors.ts'
import { nodesOf } from '../resolve/index.ts'
import type { Secret } from '../secret.ts'
import type { World } from '../world.ts'
import type { ApplyRun } from './apply.ts'
import { writeInto } from './folders.ts'
import { enrolling } from './permits.ts'
import { authKeyPath, checkAuthKey } from './secrets.ts'
import { writeControl } from './state-files.ts'
import type { ControlRecord, ControlState, Step } from './types.ts'

const kinds = [...enrolling, 'delete-node', 'tag-node', 'rename-node'] as const
export type RemoteStep = Extract<Step, { kind: (typeof kinds)[number] }>

/** Steps that speak with the control plane, or keep its records. */
export const isRemoteStep = (step: Step): step is RemoteStep => (kinds as readonly string[]).includes(step.kind)

/**
 * Writes a policy over the one that was read and shown, and over no other; what the server has then is read back. Where
 * the answer is lost, that tells whether it was written: it is not sent twice.
 * @throws TmgenError `control-changed`
 */
async function writeShared(provider: Provider, text: string, before: string | undefined): Promise<void> {
  const same = (one: string | undefined, other: string | undefined) => (one ?? '').trim() === (other ?? '').trim()
  const now = await provider.readPolicy()
  if (now !== undefined && same(now.text, text)) return
  if (!same(now?.text, before))
    throw new TmgenError('control-changed', 'the policy was changed on the server meanwhile', {
      hint: 'run the command again: it reads the new one first',
    })
  const lost = await provider.writePolicy({ text, etag: now?.etag }).catch((error: unknown) => {
    if (error instanceof TmgenError && error.code === 'control-unreachable') return error
    throw error
  })
  if (same((await provider.readPolicy())?.text, text)) return
  throw (
    lost ??
    new TmgenError('control-refused', 'the control plane holds another policy than the one that was written', {
      hint: 'somebody may have written one at the same time: look at it with tmgen policy check',
    })
  )
}

/** Does one step; `control` is brought up to date and written after each, so that a kill leaves nothing unrecorded but the step itself. */
export async function applyRemote(world: World, run: ApplyRun, control: ControlState, step: RemoteStep): Promise<void> {
  const { dir, desired, secrets } = run
  const record = async (userId: string, change: ControlRecord) => {
    control.users[userId] = { ...control.users[userId], ...change }
    await writeControl(world, dir, control)
  }
  const keepKey = (user: string, key: Secret) => writeInto(world, dir, authKeyPath(user), `${key.reveal()}\n`, 0o600)
  const provider: Provider = run.provider()
  switch (step.kind) {
    case 'create-login': {
      await provider.createUser(step.login)
      const owner = nodesOf(desired.deployment).find((node) => node.name === step.user)
      if (owner !== undefined) await record(owner.id, { createdUser: step.login })
      return
    }
    case 'write-policy':
      return step.over === undefined
        ? provider.writePolicy({ text: step.text, etag: step.etag })
        : writeShared(provider, step.text, step.over.before)
    case 'expire-key':
      return provider.expireKey(step.keyId)
    case 'delete-node':
      return provider.deleteNode(step.nodeId)
    case 'tag-node':
      return provider.tagNode(step.nodeId, step.tags)
    case 'rename-node':
      return provider.renameNode(step.nodeId, step.hostname)
    case 'record-node':
      return record(step.userId, { nodeId: step.nodeId })
    case 'mint-key': {
      const { workspace, control: settings } = desired.deployment
      const minted = await provider.mintNodeKey({
        tag: step.tag,
        description: keyDescription(workspace.id, step.userId),
        expirySeconds: durationSeconds(settings.keyExpiry),
      })
      await keepKey(step.user, minted.key)
      return record(step.userId, { keyId: minted.id, keyExpires: minted.expires.toISOString(), source: 'minted' })
    }
    case 'paste-key': {
      const key = secrets.pasted.get(step.user)
      if (key === undefined) throw new TmgenError('secret', `no auth key was given for ${step.user}`)
      await keepKey(step.user, checkAuthKey(key))
      const { keyId: _id, keyExpires: _expires, ...rest } = control.users[step.userId] ?? {}
      control.users[step.userId] = rest
      return record(step.userId, { source: 'pasted' })
    }
  }
}
