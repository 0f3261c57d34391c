import type { MintedKey } from '../control/index.ts'
import { TmgenError } from '../errors.ts'
import type { DeployedUser, Deployment } from '../resolve/types.ts'
import type { Context } from './context.ts'

/**
 * The login that a join key is for: the one asked for, or the first.
 * @throws TmgenError `usage` where the provider makes no join keys, or the login is not the user's
 */
export function joinLogin({ control }: Deployment, user: DeployedUser, asked: string | undefined): string {
  if (control.provider !== 'embedded' && control.provider !== 'headscale') {
    throw new TmgenError('usage', `provider ${control.provider} has no join keys that tmgen could make`, {
      hint: `${user.name} signs in to the tailnet as ${user.logins[0] ?? 'usual'}`,
    })
  }
  if (control.provider === 'embedded' && control.oidc)
    throw new TmgenError('usage', 'Macs join by signing in at the identity provider: there are no join keys', {
      hint: `${user.name} signs in as ${user.logins[0] ?? 'usual'}: tmgen guide ${user.name}`,
    })
  const login = asked ?? user.logins[0]
  if (login !== undefined && user.logins.includes(login)) return login
  throw new TmgenError('usage', `${login ?? user.name} is no login of ${user.name}`, {
    hint: user.logins.length > 0 ? `logins: ${user.logins.join(', ')}` : 'add one under users in tmgen.yaml',
  })
}

/** Makes a single-use key that joins one Mac as `login`; it can be used as long as a node's key (control.keyExpiry). */
export async function mintJoinKey(context: Context, deployment: Deployment, login: string): Promise<MintedKey> {
  const [{ makeProvider }, { durationSeconds }, world] = await Promise.all([
    import('../control/index.ts'),
    import('../config/index.ts'),
    context.world(),
  ])
  const provider = makeProvider(deployment, { world, workspaceDir: context.dir })
  const expirySeconds = durationSeconds(deployment.control.keyExpiry)
  return context.ui.progress(`making a join key for ${login}`, () =>
    provider.mintJoinKey({ user: login, expirySeconds }),
  )
}
