import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * The package's own folder: the nearest one upwards from a module that holds tmgen's package.json.
 * It works from src/ (tests) and from dist/ (the bundle) alike.
 */
export function findPackageDir(moduleUrl: string): string {
  let dir = dirname(fileURLToPath(moduleUrl))
  for (;;) {
    const file = join(dir, 'package.json')
    if (existsSync(file) && packageJson(dir).name === 'tmgen') return dir
    const parent = dirname(dir)
    if (parent === dir) throw new Error('package.json of tmgen not found: the installation is broken')
    dir = parent
  }
}

/** Name and version out of a folder's package.json. */
export function packageJson(dir: string): { name?: string; version?: string } {
  return JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')) as { name?: string; version?: string }
}
