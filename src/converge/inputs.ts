import { join } from 'node:path'
import { TmgenError } from '../errors.ts'
import type { RenderInputs, Tree, TreeFile } from '../render/index.ts'
import type { Deployment } from '../resolve/types.ts'
import type { Secret } from '../secret.ts'
import type { World } from '../world.ts'
import { headscaleFilesVersion } from './headscale-files.ts'
import { passwordVersion } from './secrets.ts'

/** Tests, test data, a binary built in place and what editors leave are no part of a build context. */
const leftOut = /(_test\.go|~|\.swp)$|^(testdata|node_modules|tmgen-gateway)$|^\./

/** The files below a folder of the package, by path relative to it. Links are not followed. */
async function readTree(world: World, root: string): Promise<Tree> {
  const tree = new Map<string, TreeFile>()
  const visit = async (relative: string): Promise<void> => {
    for (const name of (await world.disk.list(join(root, relative))) ?? []) {
      if (leftOut.test(name)) continue
      const path = relative === '' ? name : `${relative}/${name}`
      const entry = await world.disk.stat(join(root, path))
      if (entry?.kind === 'directory') await visit(path)
      else if (entry?.kind === 'file') {
        const content = await world.disk.readFile(join(root, path))
        // Only "it runs" counts: an umask at install time must not change a build context.
        if (content !== undefined) tree.set(path, { content, mode: (entry.mode & 0o100) === 0 ? 0o644 : 0o755 })
      }
    }
  }
  await visit('')
  if (tree.size === 0)
    throw new TmgenError('disk', `${root} is missing: the installation of tmgen is not whole`, {
      hint: 'install tmgen again',
    })
  return tree
}

/** The package's templates by file name. */
export async function readTemplates(world: World): Promise<Record<string, string>> {
  const text = ({ content }: TreeFile) => (typeof content === 'string' ? content : new TextDecoder().decode(content))
  const tree = await readTree(world, join(world.packageDir, 'templates'))
  return Object.fromEntries([...tree].map(([path, file]) => [path, text(file)]))
}

/**
 * What render needs beside the deployment: the package's build contexts and templates,
 * and versions of each password and of the person's files that Headscale reads.
 * @param passwords by user name
 * @throws TmgenError `disk` where the package is not whole
 */
export async function loadRenderInputs(
  world: World,
  passwords: ReadonlyMap<string, Secret>,
  workspaceKey: Secret,
  deployment: Deployment,
): Promise<RenderInputs> {
  const context = (...path: string[]) => readTree(world, join(world.packageDir, ...path))
  const versions = [...passwords].map(([name, password]) => [name, passwordVersion(workspaceKey, password)])
  const headscaleFiles = await headscaleFilesVersion(world, deployment, workspaceKey)
  return {
    ...(headscaleFiles === undefined ? {} : { headscaleFiles }),
    passwordVersions: Object.fromEntries(versions),
    contexts: {
      gateway: await context('gateway'),
      samba: await context('images', 'samba'),
      headscale: await context('images', 'headscale'),
      monitor: await context('images', 'monitor'),
    },
    templates: await readTemplates(world),
  }
}
