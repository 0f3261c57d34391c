import { z } from 'zod'
import { isBundle } from '../../backups/index.ts'
import { openForeign } from '../../converge/node-foreign.ts'
import { TmgenError } from '../../errors.ts'
import type { ForeignFolder } from '../../world.ts'
import type { SambaSeen } from '../observation/index.ts'

/** What `smbstatus --json` prints, as far as it is looked at. */
const statusSchema = z.object({
  tcons: z.record(z.string(), z.object({ service: z.string(), connected_at: z.string() })),
  open_files: z.record(
    z.string(),
    z.object({
      service_path: z.string(),
      filename: z.string(),
      opens: z.record(
        z.string(),
        z.object({ access_mask: z.object({ WRITE_DATA: z.boolean(), APPEND_DATA: z.boolean() }) }),
      ),
    }),
  ),
})
export type SambaStatus = z.output<typeof statusSchema>

/** The files in a person's folder that images/samba/tell-status writes, and the bytes at most of the first. */
const [statusFile, servingFile] = ['smbstatus.json', 'serving']
const maxBytes = 1024 * 1024
/** ms: it is written each half minute, so that three may be missed. A little of the future is a clock that was set back. */
const fresh = { past: 120_000, future: 5_000 }
/** Bands whose times are looked up, and what counts as many. */
const most = { bands: 32, count: 2 ** 20 }

const band = /^([^/\0]+)\/bands\/([0-9a-f]{1,16})$/

/** Whether a file of that folder was written of late; ms since 1970. */
async function isFresh(open: ForeignFolder, name: string, now: number): Promise<boolean> {
  const age = now - ((await open.stat(name))?.modified.getTime() ?? 0)
  return age <= fresh.past && age >= -fresh.future
}

/** What a person's Samba tells. */
export interface SambaTold {
  /** Its health check found it well of late. */
  serving: boolean
  /** `undefined`: it told nothing of late, or nothing that can be understood. */
  status: SambaStatus | undefined
}

/**
 * What a person's Samba told of late. Whoever broke into that Samba writes it, so it is read as what lies in a share is.
 * @param now ms since 1970
 */
export async function readTold(folder: string, now: number): Promise<SambaTold> {
  const told = await unlessUnreadable(
    openForeign(folder, async (open) => ({
      serving: (await unlessUnreadable(isFresh(open, servingFile, now))) ?? false,
      status: await unlessUnreadable(statusIn(open, now)),
    })),
  )
  return told ?? { serving: false, status: undefined }
}

async function statusIn(open: ForeignFolder, now: number): Promise<SambaStatus | undefined> {
  const bytes = (await isFresh(open, statusFile, now)) ? await open.read(statusFile, maxBytes) : undefined
  return bytes && statusSchema.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8'))).data
}

async function unlessUnreadable<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TmgenError) return undefined
    throw error
  }
}

/** What of it is about one share; `storage` has that share. */
export async function sambaSeen(
  { tcons, open_files }: SambaStatus,
  storage: string,
  mac: string,
): Promise<SambaSeen | undefined> {
  const sessions = Object.values(tcons).filter(({ service }) => service === mac)
  const since = sessions.map(({ connected_at }) => Date.parse(connected_at))
  if (since.some((time) => !(time >= 0))) return undefined
  const files = Object.values(open_files).filter(({ service_path }) => service_path === `/srv/tmgen/${mac}`)
  const written = files.filter(
    ({ filename, opens }) =>
      isBundle(filename.split('/', 1)[0] ?? '') &&
      Object.values(opens).some(({ access_mask }) => access_mask.WRITE_DATA || access_mask.APPEND_DATA),
  )
  const count = files.reduce((sum, { opens }) => sum + Object.keys(opens).length, 0)
  return {
    sessions: Math.min(sessions.length, most.count),
    since: since.length === 0 ? null : since.reduce((a, b) => Math.min(a, b)),
    files: Math.min(count, most.count),
    open: written.length > 0,
    wrote: await lastWrite(
      written.map(({ filename }) => filename),
      storage,
      mac,
    ),
  }
}

/** The newest change of those of the files that are bands, by the disk: what Samba says of them may be a lie. */
async function lastWrite(names: readonly string[], storage: string, mac: string): Promise<number | null> {
  const bands = names.flatMap((name) => {
    const [, bundle, number] = band.exec(name) ?? []
    return bundle !== undefined && number !== undefined ? [{ bundle, number }] : []
  })
  const times: number[] = []
  const changed = (bundle: string, number: string) => (share: ForeignFolder) =>
    share.folder(bundle, (open) =>
      open.folder('bands', async (folder) => {
        const entry = await folder.stat(number)
        if (entry?.kind === 'file') times.push(Math.max(0, entry.changed.getTime()))
      }),
    )
  try {
    for (const { bundle, number } of bands.slice(0, most.bands))
      await openForeign(storage, (folder) => folder.folder(mac, changed(bundle, number)))
  } catch (error) {
    if (!(error instanceof TmgenError)) throw error
  }
  return times.length === 0 ? null : Math.max(...times)
}
