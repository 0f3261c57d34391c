import { beforeEach, describe, expect, test } from 'vitest'
import type { Prompts } from '../../../src/ui/prompts.ts'
import { dir, planted, Scene } from './scene.ts'

let scene: Scene

/** A Docker with these containers (`SERVICE HASH STATE`); compose wants every service with the hash `h`. */
function docker(containers: string[], failUp = false) {
  return (args: string[]) => {
    const line = args.join(' ')
    const ok = (stdout: string) => ({ exitCode: 0, stdout, stderr: '' })
    if (line.startsWith('ps ')) return ok(containers.map((one) => `${one.replaceAll(' ', '\t')}\tFalse\n`).join(''))
    if (line.includes('config --hash'))
      return ok(
        services()
          .map((service) => `${service} h\n`)
          .join(''),
      )
    if (line.startsWith('compose up'))
      return failUp ? { exitCode: 1, stdout: '', stderr: 'pulling\nno space left\n' } : ok('')
    return { exitCode: 1, stdout: '', stderr: 'no such thing' }
  }
}

const services = () =>
  [...scene.text('generated/docker-compose.yml').matchAll(/^ {2}(gateway|samba-\w+):$/gm)].map((m) => m[1]!)
const ups = () => scene.docker.filter((args) => args.join(' ').startsWith('compose up')).map((args) => args.join(' '))
const running = (...names: string[]) => docker(names.map((name) => `${name} h running`))
const carol = '  - name: carol\n    logins: [carol@example.com]\n    macs: [{ name: mini }]\n'
const addCarol = () => scene.disk.put(`${dir}/tmgen.yaml`, scene.text('tmgen.yaml').replace(/^users:\n/m, `$&${carol}`))
const dropAlice = () => {
  const text = scene.text('tmgen.yaml')
  scene.disk.put(`${dir}/tmgen.yaml`, `${text.slice(0, text.indexOf('users:\n'))}users: []\n`)
}

beforeEach(async () => {
  scene = await Scene.with('headscale')
  await scene.tmgen('add user alice --login alice@example.com')
  scene.dockerAnswer = running('gateway', 'samba-alice')
})

describe('plan', () => {
  test('with nothing to do prints no data and exits 0, also with --detailed-exitcode', async () => {
    const { code, stdout, stderr } = await scene.tmgen('plan --detailed-exitcode')
    expect([code, stdout]).toEqual([0, ''])
    expect(stderr).toContain('nothing to do\n')
  })

  test('exits 2 with --detailed-exitcode when there is something to do, 0 without, and writes nothing', async () => {
    addCarol()
    const before = scene.disk.snapshot('')
    const { code, stdout, stderr } = await scene.tmgen('plan --detailed-exitcode')
    expect(code).toBe(2)
    expect(stdout).toMatch(/^\+ user carol\n {4}\+ login carol@example.com/)
    expect(stderr).toContain('1 to add, 2 to change: tmgen apply')
    expect((await scene.tmgen('plan')).code).toBe(0)
    expect(scene.disk.snapshot('')).toEqual(before)
    expect(
      scene.headscale.requests.every(
        (one) => one.startsWith('GET') || one.includes('preauthkey') || one.includes('user'),
      ),
    ).toBe(true)
    expect(scene.headscale.keys).toHaveLength(1)
  })

  test('asks compose for the hashes of what will be, by stdin, where docker-compose.yml is to change', async () => {
    addCarol()
    await scene.tmgen('plan')
    const asked = scene.docker.map((args) => args.join(' ')).filter((line) => line.includes('--hash'))
    expect(asked).toEqual([
      'compose config --hash *',
      'compose -p timemachine --project-directory . -f docker-compose.base.yml -f - config --hash *',
    ])
  })

  test('--json has a stable shape without a secret', async () => {
    addCarol()
    scene.dockerAnswer = docker(['gateway h running', 'samba-alice h exited'])
    const { stdout } = await scene.tmgen('plan --json')
    const { changes, notes, unseen } = JSON.parse(stdout)
    expect([notes, unseen]).toEqual([['the policy does not let carol, alice in yet: tmgen policy apply'], []])
    expect(changes[0]).toMatchObject({ sign: '+', what: 'user', name: 'carol', title: 'user carol' })
    expect(changes[0].parts[0]).toEqual({
      sign: '+',
      what: 'login',
      title: 'login carol@example.com in the control plane',
    })
    expect(changes.at(-1)).toEqual({
      sign: '!',
      what: 'container',
      name: 'samba-alice',
      drift: 'container-stopped',
      title: 'container samba-alice does not run (exited)',
      fix: 'docker compose up -d, or tmgen apply, starts it',
      applies: true,
    })
    expect(stdout).not.toContain(planted)
  })

  test('a control plane that does not answer never passes for one that is in order', async () => {
    scene.env = {}
    const { code, stderr } = await scene.tmgen('plan --detailed-exitcode')
    expect(code).toBe(1)
    expect(stderr).toContain('the control plane was not looked at')
    expect(stderr).toContain('nothing to do, as far as could be looked at')
    expect(JSON.parse((await scene.tmgen('plan --json')).stdout).unseen).toEqual(['control-plane'])
  })

  test('without Docker the rest is shown, with a note', async () => {
    scene.dockerAnswer = () => ({ exitCode: 1, stdout: '', stderr: 'Cannot connect to the Docker daemon\n' })
    const { code, stderr } = await scene.tmgen('plan --detailed-exitcode')
    expect(code).toBe(0)
    expect(stderr).toContain('the running stack was not looked at: Cannot connect to the Docker daemon')
    expect(stderr).toContain('as far as could be looked at')
  })

  test('with host: remote asks no Docker at all', async () => {
    scene.disk.put(`${dir}/tmgen.yaml`, scene.text('tmgen.yaml').replace(/^host: local$/m, 'host: remote'))
    await scene.tmgen('apply --no-up')
    scene.docker.length = 0
    const { stderr } = await scene.tmgen('plan')
    expect(stderr).toContain('host: remote: the running stack was not looked at')
    expect(scene.docker).toEqual([])
  })

  test('a refusal is shown beside the rest, and said to stop apply', async () => {
    addCarol()
    scene.disk.put(`${dir}/generated/users/alice/smb.conf`, 'x')
    const { stdout, stderr } = await scene.tmgen('plan')
    expect(stdout).toContain('+ user carol')
    expect(stdout).toContain('! generated/users/alice/smb.conf was changed by hand')
    expect(stderr).toContain('apply refuses until what is marked ! is put right')
    expect((await scene.tmgen('apply')).code).toBe(1)
    expect(ups()).toEqual([])
  })
})

describe('apply', () => {
  test('shows the plan, does it, brings the containers up, and leaves nothing to do', async () => {
    addCarol()
    const { code, stdout, stderr } = await scene.tmgen('apply')
    expect([code, stdout]).toEqual([0, ''])
    expect(stderr.indexOf('+ user carol')).toBeGreaterThan(-1)
    expect(stderr.indexOf('+ user carol')).toBeLessThan(stderr.indexOf('applied: 1 to add, 2 to change'))
    expect(ups()).toEqual(['compose up -d --remove-orphans'])
    expect(scene.headscale.keys).toHaveLength(2)
    scene.dockerAnswer = running(...services())
    expect((await scene.tmgen('plan --detailed-exitcode')).code).toBe(0)
  })

  test('with nothing to do leaves Docker alone', async () => {
    const { stderr } = await scene.tmgen('apply')
    expect(stderr).toContain('nothing to do')
    expect(ups()).toEqual([])
  })

  test('brings a stopped container back', async () => {
    scene.dockerAnswer = docker(['gateway h running', 'samba-alice h exited'])
    expect((await scene.tmgen('apply')).code).toBe(0)
    expect(ups()).toHaveLength(1)
  })

  test('--no-up says what to run instead', async () => {
    addCarol()
    const { stderr } = await scene.tmgen('apply --no-up')
    expect(stderr).toContain('Next: docker compose up -d')
    expect(ups()).toEqual([])
  })

  test('tells a failed start with the last line of compose; files and keys are done', async () => {
    addCarol()
    scene.dockerAnswer = docker(['gateway h running', 'samba-alice h running'], true)
    const { code, stderr } = await scene.tmgen('apply')
    expect(code).toBe(1)
    expect(stderr).toContain('error[docker]: docker compose up failed: no space left')
    expect(scene.text('secrets/gateway/carol.authkey')).not.toBe('')
  })

  test('without a terminal takes nobody away unless --yes says so', async () => {
    dropAlice()
    const before = scene.disk.snapshot(dir)
    const { code, stderr } = await scene.tmgen('apply')
    expect(code).toBe(2)
    expect(stderr).toMatch(/error\[usage\]: this takes away: user alice\nhint: .*tmgen apply --yes/)
    expect([scene.disk.snapshot(dir), ups()]).toEqual([before, []])
    expect((await scene.tmgen('apply --yes')).code).toBe(0)
    expect(scene.text('generated/caddy/config.json')).not.toContain('tm-alice')
  })

  test.each([
    ['no', 130, 0],
    ['yes', 0, 1],
  ])('on a terminal asks; %s gives %i', async (answer, exit, times) => {
    dropAlice()
    const asked: string[] = []
    const select = async (question: string) => {
      asked.push(question)
      return answer
    }
    const prompts = { select } as unknown as Prompts
    expect((await scene.tmgen('apply', { prompts })).code).toBe(exit)
    expect(asked).toEqual(['This takes away: user alice. Data is kept. Go on?'])
    expect(ups()).toHaveLength(times)
    // The run lock is free again.
    expect((await scene.tmgen('apply --yes')).code).toBe(0)
  })

  test('says what is left to the person', async () => {
    scene.headscale.policy = '{"acls":[{"action":"accept","src":["*"],"dst":["*:*"]}]}'
    const { code, stderr } = await scene.tmgen('apply')
    expect(code).toBe(0)
    expect(stderr).toMatch(/left to you: the tailnet policy lets others reach alice: .*: remove or narrow that rule/)
    expect(ups()).toEqual([])
  })

  test('--json says what was done', async () => {
    addCarol()
    const { stdout } = await scene.tmgen('apply --json')
    expect(JSON.parse(stdout)).toMatchObject({
      changes: [{ name: 'carol' }, {}, {}],
      notes: [expect.stringContaining('policy apply')],
      containers: 'up',
    })
    expect(stdout).not.toContain(planted)
  })
})
