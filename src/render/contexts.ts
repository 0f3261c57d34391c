import { createHash } from 'node:crypto'
import type { Deployment } from '../resolve/types.ts'
import type { RenderInputs, Tree } from './types.ts'

export type ImageName = 'gateway' | 'samba' | 'headscale' | 'monitor'

/** How compose gets an image: a ready one, or one built from generated/images/NAME with these build arguments. */
export interface ImageSource {
  image: string
  build: { args: Record<string, string> } | undefined
}

/**
 * Images of this deployment. A built image's tag is the hash of its context and arguments, so that a changed source
 * is a changed definition and compose builds it and recreates the container.
 */
export function imageSources(deployment: Deployment, inputs: RenderInputs): ReadonlyMap<ImageName, ImageSource> {
  const { images, workspace, control } = deployment
  const args: Record<string, string> = {}
  if (images.debian !== undefined) args.DEBIAN_IMAGE = images.debian
  if (images.golang !== undefined) args.GOLANG_IMAGE = images.golang
  const names: ImageName[] = ['gateway', 'samba', 'monitor']
  if (control.provider === 'embedded') names.push('headscale')
  const source = (name: ImageName): ImageSource => {
    const ready = images[name]
    if (ready !== undefined) return { image: ready, build: undefined }
    return { image: `${workspace.name}-${name}:${contextHash(inputs.contexts[name], args)}`, build: { args } }
  }
  return new Map(names.map((name) => [name, source(name)]))
}

/** 12 hex digits over the sorted path, mode and content of a build context and over its build arguments. */
export function contextHash(context: Tree, args: Readonly<Record<string, string>> = {}): string {
  const hash = createHash('sha256')
  for (const path of [...context.keys()].sort()) {
    const file = context.get(path)!
    const content = Buffer.from(file.content)
    hash.update(`${JSON.stringify([path, file.mode, content.length])}\n`).update(content)
  }
  for (const name of Object.keys(args).sort()) hash.update(`${JSON.stringify([name, args[name]])}\n`)
  return hash.digest('hex').slice(0, 12)
}
