import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

/** Headscale out of the lab's image, put into `dir`; TMGEN_HEADSCALE_BINARY names another. @returns its path */
export function headscaleBinary(dir: string): string {
  const given = process.env.TMGEN_HEADSCALE_BINARY ?? ''
  if (given !== '') return given
  const binary = join(dir, 'headscale')
  const container = execFileSync('docker', ['create', 'tmgen-lab/headscale'], { encoding: 'utf8' }).trim()
  execFileSync('docker', ['cp', `${container}:/usr/bin/headscale`, binary])
  execFileSync('docker', ['rm', container])
  return binary
}
