import type { Suite } from '../support/index.ts'

// Slow ones first: they decide how long all of them take.
const smb2 = [
  ...['lease', 'durable-v2-open', 'session', 'dir', 'timestamps', 'credits', 'create', 'rename'],
  ...['durable-open', 'streams', 'compound', 'lock', 'read', 'rw', 'connect'],
]

/** What is run, each suite in a share of its own: some watch their share for changes. */
export const suites: readonly Suite[] = [
  ...smb2.map((name) => ({ name: `smb2.${name}`, share: name })),
  { name: 'vfs.fruit', share: 'fruit' },
  { name: 'vfs.fruit_timemachine', share: 'limit' },
]

/** Shares of the servers under test, each with a folder of its own. */
export const shares: readonly string[] = suites.map(({ share }) => share)

/**
 * Alice's generated smb.conf with a share for each suite, all like the one that she has (`macbook`, the only one), but
 * for what the tests themselves presume: the model name that vfs.fruit compares; Finder's copies and UNIX modes by ACE,
 * which it tests; execute rights on new files, since the tests open with all rights; 32 KiB for the quota test; no
 * Time Machine where vfs.fruit tests other shares; and `plain`, which shows that share's folder without fruit.
 * @param text as the product renders it; throws when what is to be changed is not in it
 */
export function conformanceConf(text: string): string {
  const at = text.indexOf('[macbook]')
  if (at < 0) throw new Error('smb.conf has no [macbook]')
  const [global, section] = [text.slice(0, at), text.slice(at)]
  const changed = edit(global, [
    [/^( *fruit:model = ).+$/m, '$1MacSamba'],
    [/^( *fruit:nfs_aces = )no$/m, '$1yes'],
    [/^( *fruit:copyfile = )no$/m, '$1yes'],
  ])
  const own: Record<string, [RegExp, string][]> = {
    fruit: [[/^ *fruit:time machine.*\n/gm, '']],
    limit: [[/^( *fruit:time machine max size = ).+$/m, '$132K']],
    plain: [
      [/^ *fruit:time machine.*\n/gm, ''],
      [/^( *path = .*)plain$/m, '$1fruit\n    vfs objects = streams_xattr'],
    ],
  }
  return (
    changed +
    [...shares, 'plain']
      .map((share) =>
        edit(section, [[/macbook/g, share], [/^( *create mask = )0600$/m, '$10700'], ...(own[share] ?? [])]),
      )
      .join('\n')
  )
}

function edit(text: string, changes: [RegExp, string][]): string {
  return changes.reduce((before, [what, by]) => {
    if (before.search(what) < 0) throw new Error(`nothing in smb.conf is like ${what}`)
    return before.replace(what, by)
  }, text)
}
