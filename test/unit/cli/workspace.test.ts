import { beforeEach, describe, expect, test } from 'vitest'
import { nameOf } from '../../../src/commands/init-answers.ts'
import { Interrupted } from '../../../src/ui/interrupted.ts'
import { makeUi } from '../../../src/ui/output.ts'
import type { Prompts } from '../../../src/ui/prompts.ts'
import { runIn } from './run.ts'
import { dir, Scene } from './scene.ts'

describe('init', () => {
  let scene: Scene
  beforeEach(() => {
    scene = new Scene()
  })

  test('makes a workspace out of flags and says what comes next', async () => {
    const { code, stdout, stderr } = await scene.tmgen('init timemachine --provider manual --storage /srv/tm')
    expect([code, stdout]).toEqual([0, ''])
    expect(stderr).toContain('Next: cd timemachine\n')
    expect(scene.text('tmgen.yaml')).toMatch(/^workspace: timemachine$/m)
    expect(scene.text('tmgen.yaml')).toMatch(/^ {2}subnet: 10\.\d+\.\d+\.0\/22$/m)
  })

  test('in the folder where one stands, the next thing is a user', async () => {
    const { stderr } = await scene.tmgen('init . --provider manual --storage /srv/tm --name timemachine')
    expect(stderr).toContain('Next: tmgen add user NAME')
    expect(stderr).not.toContain('cd .')
  })

  test('writes images of a mirror into the new config, where the build uses them', async () => {
    const images = '--image golang=mirror.example.com:5000/golang:1.26 --image samba=own/samba'
    const { code } = await scene.tmgen(`init timemachine --provider manual --storage /srv/tm ${images}`)
    expect(code).toBe(0)
    expect(scene.text('tmgen.yaml')).toContain(
      'images:\n  golang: "mirror.example.com:5000/golang:1.26"\n  samba: own/samba\n',
    )
    expect(scene.text('generated/docker-compose.yml')).toContain('mirror.example.com:5000/golang:1.26')
  })

  test.each([
    ['--storage /srv/tm', '--provider is missing'],
    ['--provider manual', '--storage is missing'],
    ['--provider headscale --storage /srv/tm', '--url is missing'],
    ['--provider embedded --url https://hs.example.com --storage /srv/tm', '--acme-email is missing'],
    ['--provider embedded --url https://hs.example.com --storage /srv/tm --tls-cert /c', '--tls-cert and --tls-key'],
    ['--provider manual --storage /srv/tm --acme-email a@b', 'for --provider embedded only'],
    ['--provider manual --storage /srv/tm --image python=x', 'write NAME=REF'],
    ['--provider manual --storage /srv/tm --image golang=a --image golang=b', 'golang is given twice'],
    ['--provider manual --storage /srv/tm --image golang=', 'images.golang must be an image reference'],
    ['--provider manual --storage /srv/tm --name Über', 'error[usage]: workspace must be'],
    ['--provider manual --storage /srv/tm --subnet 10.0.0.0/8', 'network.subnet is too large'],
    ['--provider headscale --url hs --storage /srv/tm', 'control.url must'],
  ])('%s without a terminal is wrong usage: %s', async (flags, message) => {
    const { code, stderr } = await scene.tmgen(`init timemachine ${flags}`)
    expect(code).toBe(2)
    expect(stderr).toContain(message)
    expect(scene.disk.nodes.has(dir)).toBe(false)
  })

  test('asks for what is missing on a terminal', async () => {
    const asked: string[] = []
    const answer = (question: string, text: string) => {
      asked.push(question)
      return Promise.resolve(text)
    }
    const given = (question: string) => (question.startsWith('Your own') ? ' me@example.com' : '/srv/tm')
    const prompts: Prompts = {
      select: (question) => answer(question, 'headscale'),
      text: (question, options) =>
        answer(question, question.startsWith('URL') ? 'https://hs.example.com' : (options?.initial ?? given(question))),
      secret: (question) => answer(question, ''),
    }
    const { code } = await scene.tmgen('init timemachine', { prompts })
    expect(code).toBe(0)
    expect(asked).toEqual([
      'Who hands out auth keys?',
      'Storage folder on the Docker host (absolute)',
      'Name of the workspace (and of the compose project)',
      'URL of the headscale server',
      'Your own login in the tailnet, to see how everybody does (empty: later)',
    ])
    expect(scene.text('tmgen.yaml')).toContain('url: https://hs.example.com')
    expect(scene.text('tmgen.yaml')).toContain('\ndashboard:\n  operators: [me@example.com]\n')
  })

  test.each([
    ['', /^# dashboard:$/m],
    ['--operator a@example.com --operator tag:admins', /^dashboard:\n {2}operators: \[a@example.com, tag:admins\]$/m],
  ])('who may open the dashboard: %s', async (flags, says) => {
    await scene.tmgen(`init timemachine --provider manual --storage /srv/tm ${flags} --yes`)
    expect(scene.text('tmgen.yaml')).toMatch(says)
  })

  test('an operator that reads like a tag is noted, one that is a user’s login or an address is not', async () => {
    const operators = '--operator office-macs --operator al --operator a@example.com --operator tag:admins'
    const note = /^note: dashboard\.operators: (\S+) is taken as a login; for a tag write tag:\1$/gm
    const noted = (stderr: string) => [...stderr.matchAll(note)].map((found) => found[1])
    const made = await scene.tmgen(`init timemachine --provider manual --storage /srv/tm ${operators}`)
    expect([made.code, noted(made.stderr)]).toEqual([0, ['office-macs', 'al']])
    expect(noted((await scene.tmgen('add user alice --login al')).stderr)).toEqual(['office-macs'])
    expect(noted((await scene.tmgen('plan')).stderr)).toEqual(['office-macs'])
  })

  test('an operator that is no login is refused, and nothing is made', async () => {
    const { code, stderr } = await scene.tmgen('init timemachine --provider manual --storage /srv/tm --operator a,b')
    expect([code, stderr]).toEqual([2, expect.stringContaining('must be a login of the tailnet')])
    expect(scene.disk.nodes.has(dir)).toBe(false)
  })

  test('Ctrl-C at a question ends with 130 and makes nothing', async () => {
    const cancel = () => Promise.reject(new Interrupted())
    const { code } = await scene.tmgen('init timemachine', {
      prompts: { select: cancel, text: cancel, secret: cancel },
    })
    expect(code).toBe(130)
    expect(scene.disk.nodes.has(dir)).toBe(false)
  })

  test('refuses a folder that is a workspace already, before it asks anything', async () => {
    await scene.tmgen('init timemachine --provider manual --storage /srv/tm')
    const before = scene.disk.snapshot(dir)
    const { code, stderr } = await scene.tmgen('init')
    expect(code).toBe(2)
    expect(stderr).toContain('is a workspace already')
    expect(scene.disk.snapshot(dir)).toEqual(before)
  })

  const first = 'init timemachine --provider manual --storage /srv/none'

  test('without the storage folder nothing is made, and the same command works once it is there', async () => {
    const { code, stderr } = await scene.tmgen(first)
    expect([code, stderr]).toEqual([1, expect.stringContaining('hint: make it (mkdir -p /srv/none)')])
    expect([...scene.disk.nodes.keys()].filter((path) => path.startsWith('/home/me/'))).toEqual([])
    scene.disk.mkdirs('/srv/none')
    expect((await scene.tmgen(first)).code).toBe(0)
    expect(scene.text('tmgen.yaml')).toContain('root: /srv/none')
  })

  test('what was there before an init that failed stays', async () => {
    scene.disk.put(`${dir}/notes.txt`, 'mine')
    const before = scene.disk.snapshot(dir)
    expect((await scene.tmgen(first)).code).toBe(1)
    expect(scene.disk.snapshot(dir)).toEqual(before)
  })

  test('an init that fails while another process works there takes nothing away', async () => {
    const hook = (_what: string, path: string, moment: string) => {
      if (path === `${dir}/tmgen.yaml` && moment === 'after') scene.disk.put(`${dir}/state/run.lock`, '')
    }
    scene.options = { hook }
    expect((await scene.tmgen(first)).code).toBe(1)
    expect(scene.text('tmgen.yaml')).toContain('root: /srv/none')
  })

  test('keeps its subnet off the networks of the host', async () => {
    const probe = new Scene()
    await probe.tmgen('init timemachine --provider manual --storage /srv/tm')
    const first = /subnet: (\S+)/.exec(probe.text('tmgen.yaml'))![1]!
    scene.options = { host: { routes: [{ cidr: first, name: 'Docker network x' }] } }
    await scene.tmgen('init timemachine --provider manual --storage /srv/tm')
    expect(scene.text('tmgen.yaml')).toContain('subnet: 10.')
    expect(scene.text('tmgen.yaml')).not.toContain(first)
  })

  test('embedded: starts Headscale alone, waits for it, and closes its policy', async () => {
    let policy = ''
    scene.dockerAnswer = (args) => {
      const line = args.join(' ')
      if (line.includes('policy set')) policy = line
      if (line.includes('policy get')) return { exitCode: 1, stdout: '', stderr: 'acl policy not found' }
      if (line.includes('version')) return { exitCode: 0, stdout: '{"version": "v0.29.3"}', stderr: '' }
      return { exitCode: 0, stdout: '[]', stderr: '' }
    }
    const { code, stderr } = await scene.tmgen(
      'init timemachine --provider embedded --url http://192.168.1.10:8080 --storage /srv/tm',
    )
    expect([code, stderr]).toEqual([0, expect.stringContaining('its policy lets nobody reach anything yet')])
    expect(scene.docker.some((args) => args.join(' ') === 'compose up -d --build headscale')).toBe(true)
    expect(policy).not.toBe('')
  })

  test('embedded with --no-start leaves Docker alone and says what to do', async () => {
    const { code, stderr } = await scene.tmgen(
      'init timemachine --provider embedded --url http://192.168.1.10:8080 --storage /srv/tm --no-start',
    )
    expect([code, scene.docker]).toEqual([0, []])
    expect(stderr).toContain('docker compose up -d headscale')
  })

  test.each([
    ['/srv/Time Machine', 'time-machine'],
    ['/srv/2nd', 'nd'],
    ['/', 'timemachine'],
    [`/${'a'.repeat(40)}`, 'a'.repeat(30)],
  ])('makes a name out of the folder %s', (folder, name) => {
    expect(nameOf(folder)).toBe(name)
  })
})

describe('in a workspace', () => {
  let scene: Scene
  beforeEach(async () => {
    scene = await Scene.with('manual')
    await scene.tmgen('add user alice --login alice@example.com')
  })

  test('generate says that there is nothing to do; --check agrees', async () => {
    expect((await scene.tmgen('generate')).stderr).toContain('nothing to do')
    expect((await scene.tmgen('generate --check')).code).toBe(0)
  })

  test('generate --check ends with 1, names what would change, and changes nothing', async () => {
    scene.disk.put(`${dir}/tmgen.yaml`, scene.text('tmgen.yaml').replace('quota: 1T', 'quota: 2T'))
    const before = scene.disk.snapshot(dir)
    const { code, stderr } = await scene.tmgen('generate --check')
    expect(code).toBe(1)
    expect(stderr).toContain('write generated/users/alice/smb.conf')
    expect(scene.disk.snapshot(dir)).toEqual(before)
    expect(JSON.parse((await scene.tmgen('generate --check --json')).stdout)).toMatchObject({ changes: true })
    expect((await scene.tmgen('generate')).code).toBe(0)
    expect((await scene.tmgen('generate --check')).code).toBe(0)
  })

  test('add mac adds a share with its own quota', async () => {
    expect((await scene.tmgen('add mac alice imac --quota 500G')).code).toBe(0)
    expect(scene.text('generated/users/alice/smb.conf')).toContain('[imac]')
    expect((await scene.tmgen('add mac bob imac')).stderr).toContain('no user "bob"')
  })

  test('policy show prints the policy alone on stdout, and the place on stderr', async () => {
    const { stdout, stderr } = await scene.tmgen('policy show')
    expect(JSON.parse(stdout)).toHaveProperty('tagOwners')
    expect(stderr).toContain('whoever runs the tailnet')
    expect(JSON.parse((await scene.tmgen('policy show --json')).stdout)).toMatchObject({ provider: 'manual' })
  })

  test('config schema is JSON, config reference is Markdown', async () => {
    expect(JSON.parse((await scene.tmgen('config schema')).stdout)).toHaveProperty('properties')
    expect((await scene.tmgen('config reference')).stdout).toMatch(/^# /m)
  })

  test('--workspace names the folder, before or after the verb', async () => {
    for (const line of [`--workspace ${dir} list`, `list -w ${dir}`])
      expect((await scene.tmgen(line, { cwd: '/' })).stdout, line).toMatch(/^alice /m)
  })

  test('a folder without a workspace is an error with a hint', async () => {
    const { code, stderr } = await scene.tmgen('list -w /srv')
    expect(code).toBe(1)
    expect(stderr).toMatch(/^error\[config-missing\]: .*\nhint: .*tmgen init/m)
  })

  test('a fault in tmgen.yaml is shown with its place and a caret', async () => {
    scene.disk.put(`${dir}/tmgen.yaml`, scene.text('tmgen.yaml').replace('quota: 1T', 'qouta: 1T'))
    const { code, stderr } = await scene.tmgen('generate')
    expect(code).toBe(1)
    expect(stderr).toMatch(/^tmgen\.yaml:\d+:\d+: .*\n.*qouta: 1T\n +\^\nhint: .*quota/m)
  })

  test('a bug is said to be one, with its stack on request', async () => {
    const plain = await runIn({ packageDir: '/nowhere' }, 'list')
    expect(plain.code).toBe(1)
    expect(plain.stderr).toMatch(/^error: this is a bug in tmgen: .*\nhint: .*TMGEN_DEBUG=1/)
    const debug = await runIn({ packageDir: '/nowhere', env: { TMGEN_DEBUG: '1' } }, 'list')
    expect(debug.stderr).toContain('    at ')
  })
})

describe('the terminal', () => {
  const ui = (env: Record<string, string>, isTTY: boolean) => {
    const written: string[] = []
    const stream = { write: (text: string) => written.push(text), isTTY }
    const io = { stdout: stream, stderr: stream, stdin: { read: async () => new Uint8Array() }, env, cwd: '/' }
    return { ui: makeUi({ ...io, packageDir: '/' }), written }
  }
  test('gets colour; a pipe, NO_COLOR and TERM=dumb get none', () => {
    const colours = (env: Record<string, string>, isTTY: boolean) => {
      const { ui: made, written } = ui(env, isTTY)
      made.note('x')
      return written.join('').includes('\u001b')
    }
    expect(colours({}, true)).toBe(true)
    expect([colours({}, false), colours({ NO_COLOR: '1' }, true), colours({ TERM: 'dumb' }, true)]).toEqual([
      false,
      false,
      false,
    ])
  })
  test('sees long work move and is cleared after it, also when it fails; a pipe gets one line', async () => {
    const live = ui({}, true)
    await expect(live.ui.progress('working', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(live.written.at(-1)).toBe('\r\u001b[2K')
    const piped = ui({}, false)
    expect(await piped.ui.progress('working', async () => 7)).toBe(7)
    expect(piped.written).toEqual(['working ...\n'])
  })
})
