import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

// Shares as Macs leave them, with small data: for tests of what looks at them, in units and in the lab.

export const historyFile = 'com.apple.TimeMachine.SnapshotHistory.plist'
export const machineFile = 'com.apple.TimeMachine.MachineID.plist'
/** macOS' 8 MiB; the bands themselves are a few bytes here. */
export const bandSize = 8 * 1024 * 1024

const header =
  '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n'
export const plist = (body: string) => `${header}<plist version="1.0">\n${body}\n</plist>\n`
const seconds = (date: Date) => `${date.toISOString().slice(0, 19)}Z`

/** SnapshotHistory as backupd writes it. */
export function historyText(completed: readonly Date[]): string {
  const entries = completed.map((date) => {
    const name = `com.apple.TimeMachine.${seconds(date).slice(0, 19).replace('T', '-').replaceAll(':', '')}.backup`
    return `\t\t<dict>
\t\t\t<key>com.apple.backupd.SnapshotCompletionDate</key>
\t\t\t<date>${seconds(date)}</date>
\t\t\t<key>com.apple.backupd.SnapshotName</key>
\t\t\t<string>${name}</string>
\t\t</dict>`
  })
  return plist(`<dict>\n\t<key>Snapshots</key>\n\t<array>\n${entries.join('\n')}\n\t</array>\n</dict>`)
}

export interface BundleOptions {
  /** Ends of the completed backups; none: there is no history yet. */
  completed?: readonly Date[]
  bands?: number
  bandSize?: number
  encrypted?: boolean
  /** UUID of the Mac. */
  machine?: string
  verification?: number
  /** Modified times of everything, as a Mac can set them. */
  modified?: Date
}

/** Writes a bundle of one Mac; `name` is its folder's. @returns its path */
export function writeBundle(share: string, name: string, options: BundleOptions = {}): string {
  const { completed = [], bands = 4, machine = '9B0F3E6C-0000-4000-8000-0123456789AB', verification = 1 } = options
  const bundle = join(share, name)
  mkdirSync(join(bundle, 'bands'), { recursive: true })
  mkdirSync(join(bundle, 'mapped'))
  const put = (file: string, text: string) => writeFileSync(join(bundle, file), text)
  put(
    'Info.plist',
    plist(`<dict>
\t<key>CFBundleInfoDictionaryVersion</key>
\t<string>6.0</string>
\t<key>band-size</key>
\t<integer>${options.bandSize ?? bandSize}</integer>
\t<key>bundle-backingstore-version</key>
\t<integer>2</integer>
\t<key>diskimage-bundle-type</key>
\t<string>com.apple.diskimage.sparsebundle</string>
\t<key>size</key>
\t<integer>${2 ** 40}</integer>
</dict>`),
  )
  put(
    machineFile,
    plist(`<dict>
\t<key>VerificationState</key>
\t<integer>${verification}</integer>
\t<key>com.apple.backupd.HostUUID</key>
\t<string>${machine}</string>
</dict>`),
  )
  put('token', options.encrypted ? `encrcdsa${'\u0001'.repeat(72)}` : '')
  put('lock', '')
  if (completed.length > 0) put(historyFile, historyText(completed))
  writeBands(bundle, 0, bands)
  if (options.modified) {
    const at = options.modified
    for (const path of ['bands', 'mapped', 'Info.plist', machineFile, 'token', 'lock', '.'])
      utimesSync(join(bundle, path), at, at)
  }
  return bundle
}

/** Writes the bands `from` to `to` - 1. */
export function writeBands(bundle: string, from: number, to: number): void {
  for (let index = from; index < to; index++) writeFileSync(join(bundle, 'bands', index.toString(16)), 'band')
}

/** What a completed backup leaves: changed bands and a longer history, put in place as backupd does. */
export function backUp(bundle: string, completed: readonly Date[], newBands: { from: number; to: number }): void {
  writeBands(bundle, newBands.from, newBands.to)
  writeFileSync(join(bundle, 'bands/0'), 'band again')
  writeFileSync(join(bundle, historyFile), historyText(completed))
}

const day = 24 * 3600_000

/** Layouts by name: each makes a share below `root` and says what it is. */
export const layouts: Record<string, (share: string, now: Date) => void> = {
  complete: (share, now) => {
    writeBundle(share, 'Alice’s MacBook.sparsebundle', { completed: [new Date(+now - day), new Date(+now - 3600_000)] })
  },
  firstIncomplete: (share) => {
    writeBundle(share, 'Alice.sparsebundle.incomplete', { bands: 2 })
  },
  /** A backup runs: the history is between its old and its new text. */
  running: (share, now) => {
    const bundle = writeBundle(share, 'Alice.sparsebundle', { bands: 8 })
    writeFileSync(join(bundle, `${historyFile}.tmp`), historyText([new Date(+now - day)]))
  },
  encrypted: (share, now) => {
    writeBundle(share, 'Alice.sparsebundle', { completed: [new Date(+now - day)], encrypted: true })
  },
  damaged: (share, now) => {
    writeBundle(share, 'Alice.sparsebundle', { completed: [new Date(+now - day)], verification: 2 })
  },
  /** Half-written: the history ends in the middle. */
  halfWritten: (share, now) => {
    const bundle = writeBundle(share, 'Alice.sparsebundle', { completed: [new Date(+now - day)] })
    writeFileSync(join(bundle, historyFile), historyText([now]).slice(0, 300))
  },
  twoMacs: (share, now) => {
    writeBundle(share, 'Alice.sparsebundle', { completed: [new Date(+now - day)] })
    const machine = '11111111-2222-4333-8444-555555555555'
    writeBundle(share, 'Ålice-2 備份.sparsebundle', { completed: [now], machine })
  },
  empty: (share) => {
    mkdirSync(share, { recursive: true })
  },
}

/** Shares of somebody who means harm; `aside` is a folder outside of the share. */
export const hostile: Record<string, (share: string, now: Date, aside: string) => void> = {
  hugePlist: (share, now) => {
    const bundle = writeBundle(share, 'A.sparsebundle', { completed: [now] })
    truncateSync(join(bundle, historyFile), 2 ** 40)
  },
  deepPlist: (share) => {
    const bundle = writeBundle(share, 'A.sparsebundle')
    writeFileSync(join(bundle, historyFile), plist('<array>'.repeat(200_000)))
  },
  entityBomb: (share) => {
    const bundle = writeBundle(share, 'A.sparsebundle')
    const lines = Array.from({ length: 12 }, (_none, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`)
    writeFileSync(
      join(bundle, historyFile),
      `<?xml version="1.0"?><!DOCTYPE plist [<!ENTITY l0 "ha">${lines.join('')}]><plist><string>&l12;</string></plist>`,
    )
  },
  links: (share, now, aside) => {
    writeBundle(aside, 'Bob.sparsebundle', { completed: [now] })
    const bundle = writeBundle(share, 'A.sparsebundle', { bands: 0 })
    symlinkSync(join(aside, 'Bob.sparsebundle', historyFile), join(bundle, historyFile))
    symlinkSync(join(aside, 'Bob.sparsebundle'), join(share, 'B.sparsebundle'))
  },
  fifos: (share) => {
    const bundle = join(share, 'A.sparsebundle')
    mkdirSync(bundle, { recursive: true })
    for (const name of ['Info.plist', historyFile, machineFile, 'token', 'bands']) fifo(join(bundle, name))
    fifo(join(share, 'B.sparsebundle'))
  },
  names: (share, now) => {
    writeBundle(share, '<script>alert(1)</script>\n\u001b[2J\u202e.sparsebundle'.replace('/', '\u2044'), {
      completed: [now],
    })
  },
  manyBundles: (share) => {
    for (let index = 0; index < 1100; index++) mkdirSync(join(share, `x${index}.sparsebundle`), { recursive: true })
  },
  forgedHistory: (share, now) => {
    const completed = Array.from({ length: 1000 }, (_none, i) => new Date(+now - i * 60_000))
    writeBundle(share, 'A.sparsebundle', { completed, modified: new Date(+now - 30 * day) })
  },
}

function fifo(path: string): void {
  execFileSync('mkfifo', ['--', path])
}
