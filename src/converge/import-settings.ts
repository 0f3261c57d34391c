import { TmgenError } from '../errors.ts'
import { type Ini, readIni } from '../render/ini.ts'

/** smb.conf of the Samba that served the data before, and which of its shares that was. */
export interface FormerSamba {
  file: string
  text: string
  share?: string | undefined
}

/** Parameters that say where and how names, metadata and streams lie on the disk, with Samba's own defaults. */
const stored: Record<string, string> = {
  'fruit:metadata': 'netatalk',
  'fruit:resource': 'file',
  'fruit:encoding': 'private',
  'streams_xattr:prefix': 'user.dosstream.',
  'streams_xattr:store_stream_type': 'yes',
  'streams_xattr:max xattrs per stream': '1',
}

/** Modules that keep metadata and streams: with another set of them macOS would not find what it wrote. */
const keepers = ['fruit', 'streams_xattr', 'streams_depot']

/** Parameters that take settings from elsewhere. */
const elsewhere = /^(include|config file|copy|config backend|registry shares)$/

const words = (text: string) =>
  text
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((word) => word !== '')

function plain(value: string): string {
  const text = value.trim().toLowerCase()
  if (['yes', 'true', 'on', '1'].includes(text)) return 'yes'
  return ['no', 'false', 'off', '0'].includes(text) ? 'no' : text
}

/**
 * Compares the fruit and streams settings of a former Samba with those that tmgen renders, for shares as they count: the
 * share's own, else [global]'s, else Samba's default. Pure.
 * @param ours the user's rendered smb.conf
 * @param mac a share in it
 * @returns refusals (TmgenError `storage`) where data would be looked for in another place, and notes on the rest
 */
export function compareSettings(
  former: FormerSamba,
  ours: string,
  mac: string,
): { refusals: TmgenError[]; notes: string[] } {
  const refuse = (message: string, hint: string) => ({
    refusals: [new TmgenError('storage', `${former.file}: ${message}`, { hint })],
    notes: [],
  })
  let theirs: Ini
  try {
    theirs = readIni(former.text)
  } catch (error) {
    return refuse((error as Error).message, 'have Samba print it plainly: testparm -s FILE > plain.conf, and give that')
  }
  for (const [section, parameters] of theirs)
    for (const key of parameters.keys())
      if (elsewhere.test(key))
        return refuse(
          `[${section}] ${key}: settings of other files are not seen`,
          'testparm -s FILE > plain.conf puts them into one',
        )
  const shares = [...theirs.keys()].filter((name) => !['global', 'homes', 'printers', 'print$'].includes(name))
  const share = former.share?.toLowerCase() ?? (shares.length === 1 ? shares[0] : undefined)
  if (share === undefined || !shares.includes(share))
    return refuse(
      former.share === undefined ? `it has ${shares.length} shares` : `it has no share ${JSON.stringify(former.share)}`,
      `say which one it was: --smb-share NAME (${shares.slice(0, 10).join(', ') || 'there is none'})`,
    )
  return compare(former.file, valuesOf(theirs, share), valuesOf(readIni(ours), mac))
}

/** All parameters as they count for a share. */
const valuesOf = (ini: Ini, share: string) => new Map([...(ini.get('global') ?? []), ...(ini.get(share) ?? [])])

function compare(file: string, theirs: ReadonlyMap<string, string>, ours: ReadonlyMap<string, string>) {
  const refusals: TmgenError[] = []
  const notes: string[] = []
  const differs = (what: string, former: string, now: string) =>
    refusals.push(
      new TmgenError('storage', `${file}: ${what} was ${former || 'none'}, here it is ${now || 'none'}`, {
        hint: 'what macOS keeps beside its files would not be found: let the Mac start anew here (tmgen add user), and keep the old folder',
      }),
    )
  const [was, is] = [words(theirs.get('vfs objects') ?? ''), words(ours.get('vfs objects') ?? '')]
  const kept = (modules: string[]) => modules.filter((name) => keepers.includes(name)).join(' ')
  if (kept(was) !== kept(is)) differs('vfs objects', kept(was), kept(is))
  for (const [key, fallback] of Object.entries(stored)) {
    const [former, now] = [plain(theirs.get(key) ?? fallback), plain(ours.get(key) ?? fallback)]
    if (former !== now) differs(key, former, now)
  }
  for (const name of was)
    if (!is.includes(name) && !keepers.includes(name)) notes.push(`the module ${name} is not used any more`)
  const keys = new Set([...theirs.keys(), ...ours.keys()].filter((key) => /^(fruit|streams_xattr|catia):/.test(key)))
  for (const key of keys) {
    if (Object.hasOwn(stored, key) || key.startsWith('fruit:time machine')) continue
    const [former, now] = [theirs.get(key), ours.get(key)]
    if (former === undefined || now === undefined ? former !== now : plain(former) !== plain(now))
      notes.push(`${key} was ${former ?? 'not set'}, here it is ${now ?? 'not set'}`)
  }
  return { refusals, notes }
}
