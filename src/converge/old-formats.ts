import { join } from 'node:path'
import { lockFormat } from '../resolve/index.ts'
import type { World } from '../world.ts'
import type { Workspace } from './workspace.ts'

/** Beside tmgen.yaml and tmgen.lock.json: `.v1`, and `.v1-2` where another file was kept as that before. */
const copyName = /^tmgen\.(yaml|lock\.json)\.v\d+(-\d+)?$/

/** Whether a path of the workspace is that of a file kept in its former format. */
export const isCopy = (path: string): boolean => copyName.test(path)

/** What is to be kept of files that are in an older format: path -> content. Copies are never replaced. */
export async function copiesOf(world: World, workspace: Workspace): Promise<Map<string, string>> {
  const { dir, parsed, lockText, lockVersion } = workspace
  const copies = new Map<string, string>()
  const keep = async (file: string, version: number, text: string) => {
    for (let n = 1; ; n++) {
      const path = `${file}.v${version}${n === 1 ? '' : `-${n}`}`
      const there = await world.disk.readFile(join(dir, path))
      if (there !== undefined && new TextDecoder('utf-8', { ignoreBOM: true }).decode(there) === text) return
      if (there === undefined) return void copies.set(path, text)
    }
  }
  if (parsed.older !== undefined) await keep('tmgen.yaml', parsed.older.version, parsed.older.text)
  if (lockText !== undefined && lockVersion !== lockFormat.version) await keep('tmgen.lock.json', lockVersion, lockText)
  return copies
}
