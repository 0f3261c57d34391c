import { TmgenError } from '../errors.ts'
import type { Deployment } from '../resolve/types.ts'
import { Secret } from '../secret.ts'
import type { World } from '../world.ts'
import { passwordVersion } from './secrets.ts'

/** Bytes: a chain of certificates has a few KiB. */
const mostBytes = 1024 * 1024

/** Files of the person's own that the embedded Headscale reads when it starts, and only then. */
function paths({ control }: Deployment): { cert: string | undefined; secret: string | undefined } {
  if (control.provider !== 'embedded') return { cert: undefined, secret: undefined }
  return { cert: control.tls?.mode === 'own' ? control.tls.cert : undefined, secret: control.oidc?.secretFile }
}

/**
 * 12 hex digits that change with the certificate and the OIDC secret, and say nothing about them: with another one compose
 * makes the container anew, which alone takes up files that were replaced. `undefined` where there is none to be read here.
 */
export async function headscaleFilesVersion(
  world: World,
  deployment: Deployment,
  workspaceKey: Secret,
): Promise<string | undefined> {
  const { cert, secret } = paths(deployment)
  if (deployment.host === 'remote' || (cert === undefined && secret === undefined)) return undefined
  const read = async (path: string | undefined) => {
    if (path === undefined) return ''
    const bytes = await world.disk.readFile(path, mostBytes).catch((error: unknown) => {
      if (error instanceof TmgenError) return undefined
      throw error
    })
    return bytes === undefined ? '' : Buffer.from(bytes).toString('base64')
  }
  const contents = [await read(cert), await read(secret)]
  return contents.every((content) => content === '')
    ? undefined
    : passwordVersion(workspaceKey, new Secret(JSON.stringify(contents)))
}

/** What is wrong with the file of the OIDC secret: `secret`. */
export async function headscaleFilesFaults(world: World, deployment: Deployment): Promise<TmgenError[]> {
  const { secret } = paths(deployment)
  if (secret === undefined) return []
  const real = await world.disk.realpath(secret)
  const entry = real === undefined ? undefined : await world.disk.stat(real)
  if (entry?.kind !== 'file')
    return [
      new TmgenError('secret', `control.oidc.secretFile: there is no file ${secret}`, {
        hint: 'put the client secret there, in a file that only the owner of the workspace can read',
      }),
    ]
  if ((entry.mode & 0o007) === 0) return []
  return [
    new TmgenError('secret', `control.oidc.secretFile: every user of this host can open ${secret}`, {
      hint: `chmod 600 ${secret}`,
    }),
  ]
}
