import type { Client, Login } from './client.ts'

export interface BundleOptions {
  /** Name without .sparsebundle, as macOS uses the computer's name. */
  name?: string
  bands?: number
  /** Bytes of a band; macOS uses 8 MiB or more, tests need less. */
  bandSize?: number
  /** Finished backups in SnapshotHistory, as ISO 8601 UTC times. */
  snapshots?: string[]
  encrypted?: boolean
}

/** Makes a sparse bundle with the real layout below `dir` inside the client; gives its path there. */
export async function makeSparsebundle(client: Client, dir: string, options: BundleOptions = {}): Promise<string> {
  const { name = 'macbook', bands = 4, bandSize = 65_536, snapshots = [], encrypted = false } = options
  const wish = JSON.stringify({ dir, name, bands, band_size: bandSize, snapshots, encrypted })
  return (await client.must(['python3', '/usr/local/lib/tmgen-lab/sparsebundle.py'], { input: wish })).trim()
}

/** Copies a bundle that makeSparsebundle made onto a share, and reads it back; throws unless every byte is the same. */
export async function backUpBundle(
  client: Client,
  host: string,
  share: string,
  who: Login,
  path: string,
): Promise<void> {
  const [folder, bundle] = [path.slice(0, path.lastIndexOf('/')), path.slice(path.lastIndexOf('/') + 1)]
  for (const commands of [
    `lcd ${folder}; recurse on; prompt off; mput ${bundle}`,
    `lcd /tmp/back; recurse on; prompt off; mget ${bundle}`,
  ]) {
    await client.must(['mkdir', '-p', '/tmp/back'])
    const ran = await client.smb(host, share, who, commands)
    if (ran.code !== 0) throw new Error(`${commands}: ${ran.stdout}${ran.stderr}`)
  }
  await client.must(['diff', '-r', path, `/tmp/back/${bundle}`])
  await client.must(['rm', '-rf', '/tmp/back'])
}
