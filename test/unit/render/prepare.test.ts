import { execFileSync, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { markerText } from '../../../src/render/marker.ts'
import { bindSources, prepareScript, shellWord } from '../../../src/render/prepare.ts'
import type { DeployedUser } from '../../../src/resolve/types.ts'
import { deployment, embedded, templates, user } from './fixture.ts'

let dir: string
let root: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tmgen-prepare-'))
  root = join(dir, 'the disk')
  mkdirSync(root)
  mkdirSync(join(dir, 'workspace/generated'), { recursive: true })
  const { uid, gid } = statSync(join(dir, 'workspace'))
  writeFileSync(join(dir, 'workspace/.env'), `TMGEN_UID=${uid}\nTMGEN_GID=${gid}\n`)
})

afterEach(() => rmSync(dir, { recursive: true, force: true }))

const below = (name: string) => join(root, name)
const alice = (change: Partial<DeployedUser> = {}) => user(1, 'alice', { storage: below('alice'), ...change })
const bob = (change: Partial<DeployedUser> = {}) => user(2, 'bob', { storage: below('bob'), ...change })

/** Runs the script for these users, from a folder that is not the workspace. */
function prepare(users: DeployedUser[], change: Parameters<typeof deployment>[1] = {}, shell = 'sh') {
  const d = deployment(users, { storageRoot: root, ...change })
  const path = join(dir, 'workspace/generated/prepare.sh')
  writeFileSync(path, prepareScript(d, templates), { mode: 0o755 })
  execFileSync(shell, ['-n', path])
  const { status, stdout, stderr } = spawnSync(shell, [path], {
    cwd: '/',
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  })
  return { status, stdout, stderr, d }
}

const mode = (path: string) => statSync(path).mode & 0o7777

describe.each(['sh', 'dash', 'bash'])('prepare.sh in %s', (shell) => {
  it('makes storage folders with their markers, and what the containers mount', () => {
    const { status, stderr, d } = prepare([alice(), bob()], embedded('https://hs.example.com'), shell)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    for (const u of d.users) {
      expect(mode(u.storage)).toBe(0o711)
      expect(mode(join(u.storage, '.tmgen.json'))).toBe(0o644)
      expect(readFileSync(join(u.storage, '.tmgen.json'), 'utf8')).toBe(markerText(d, u))
    }
    for (const source of bindSources(d))
      expect(mode(join(dir, 'workspace', source.path)), source.path).toBe(source.mode)
  })
})

describe('prepare.sh', () => {
  it('changes nothing when it runs again', () => {
    prepare([alice()])
    writeFileSync(join(below('alice'), 'data'), 'x')
    const before = statSync(join(below('alice'), '.tmgen.json'))
    const { status, stdout } = prepare([alice()])
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
    expect(statSync(join(below('alice'), '.tmgen.json')).mtimeMs).toBe(before.mtimeMs)
  })

  it('takes over an empty folder, and one where writing the marker was cut short', () => {
    mkdirSync(below('alice'), { mode: 0o755 })
    mkdirSync(below('bob'))
    writeFileSync(join(below('bob'), '.tmgen.json.new'), '{"ver')
    expect(prepare([alice(), bob()]).status).toBe(0)
    expect(mode(below('alice'))).toBe(0o711)
    expect(readdirSync(below('bob'))).toEqual(['.tmgen.json'])
  })

  it('still knows its folder after the person was renamed', () => {
    prepare([alice()])
    expect(prepare([user(1, 'alicia', { storage: below('alice') })]).status).toBe(0)
  })

  it('gives every value to the shell as it is', () => {
    const marks = ["it's", '$(touch pwned)', '`touch pwned`', '"q" \\', '-n', '* ?', 'a;touch pwned', 'ü €']
    const users = marks.map((name, i) => user(i + 1, `user-${i}`, { storage: below(name) }))
    const { status, stderr } = prepare(users)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(readdirSync(root).sort()).toEqual([...marks].sort())
    expect(existsSync(join(dir, 'workspace/pwned'))).toBe(false)
  })

  const refusals: [string, string, () => ReturnType<typeof prepare>][] = [
    [
      'a storage root that is not there',
      'does not exist: is the disk mounted?',
      () => prepare([alice()], { storageRoot: below('absent') }),
    ],
    [
      'a storage folder whose parent is not there',
      'is the disk mounted?',
      () => prepare([bob(), alice({ storage: below('other/alice') })]),
    ],
    [
      'a folder of another workspace',
      'belongs to another workspace or user',
      () => {
        prepare([alice()])
        return prepare([bob(), alice()], { workspace: { id: 'ffffffffffffffff', name: 'timemachine' } })
      },
    ],
    [
      'a folder of another user',
      'belongs to another workspace or user',
      () => {
        prepare([alice()])
        return prepare([bob(), alice({ id: 'u12' })])
      },
    ],
    [
      'a folder made for another UID',
      'belongs to another workspace or user',
      () => {
        prepare([alice()])
        return prepare([bob(), alice({ uid: 2000 })])
      },
    ],
    [
      'a folder with data and no marker',
      'has no marker and is not empty',
      () => {
        mkdirSync(below('alice'))
        writeFileSync(join(below('alice'), 'data'), 'x')
        return prepare([bob(), alice()])
      },
    ],
    [
      'a symbolic link in place of the folder',
      'is a symbolic link',
      () => {
        mkdirSync(below('elsewhere'))
        symlinkSync(below('elsewhere'), below('alice'))
        return prepare([bob(), alice()])
      },
    ],
    [
      'a symbolic link in place of the marker',
      'belongs to another workspace or user',
      () => {
        prepare([alice({ storage: below('real') })])
        mkdirSync(below('alice'))
        symlinkSync(join(below('real'), '.tmgen.json'), join(below('alice'), '.tmgen.json'))
        return prepare([bob(), alice()])
      },
    ],
    [
      'a file in place of the folder',
      'is not a folder',
      () => {
        writeFileSync(below('alice'), '')
        return prepare([bob(), alice()])
      },
    ],
    [
      'an .env that names another owner',
      'change .env or the owner',
      () => {
        writeFileSync(join(dir, 'workspace/.env'), 'TMGEN_UID=4711\nTMGEN_GID=4711\n')
        return prepare([bob()])
      },
    ],
    [
      'an absent .env',
      '.env is missing',
      () => {
        rmSync(join(dir, 'workspace/.env'))
        return prepare([bob()])
      },
    ],
  ]

  it.each(refusals)('refuses %s before it makes anything', (_, message, run) => {
    const { status, stderr } = run()
    expect(stderr).toContain(message)
    expect(status).toBe(1)
    expect(existsSync(below('bob'))).toBe(false)
  })

  it('refuses a symbolic link among the folders of the workspace', () => {
    symlinkSync(root, join(dir, 'workspace/state'))
    expect(prepare([alice()]).stderr).toContain('state is a symbolic link')
    expect(readdirSync(root)).toEqual([])
  })
})

describe('a shell word', () => {
  it.each(['a', '', "'", '-', '$x', 'a\nb', '~'])('%j comes out of the shell as it went in', (text) => {
    expect(execFileSync('sh', ['-c', `printf %s ${shellWord(text)}`], { encoding: 'utf8' })).toBe(text)
  })
})

describe('the folders to mount', () => {
  it('are private, parents first, and leave out disabled users and what other providers need', () => {
    const own = ['secrets', 'secrets/gateway', 'secrets/smb', 'state', 'state/gateway', 'state/status', 'state/monitor']
    own.push('state/monitor/bands', 'state/page')
    expect(bindSources(deployment([user(1, 'alice'), user(2, 'bob', { enabled: false })]))).toEqual(
      [...own, 'secrets/smb/alice'].map((path) => ({ path, mode: 0o700 })),
    )
  })

  it('have one for each person who is told by a way of their own', () => {
    const tell = { alerts: ['ntfy' as const], mail: null, ping: false }
    const people = [user(1, 'alice', { tell }), user(2, 'bob'), user(3, 'carol', { tell, enabled: false })]
    const paths = bindSources(deployment(people)).map(({ path }) => path)
    expect(paths.filter((path) => path.includes('secrets/monitor'))).toEqual([
      'secrets/monitor',
      'secrets/monitor/users',
      'secrets/monitor/users/alice',
    ])
  })
})
