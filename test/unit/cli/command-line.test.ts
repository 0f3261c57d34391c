import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Command, CommanderError } from 'commander'
import { describe, expect, test } from 'vitest'
import { buildProgram } from '../../../src/cli.ts'
import { examplesOf, type Run } from '../../../src/commands/verbs/run.ts'
import { errorCodes } from '../../../src/errors.ts'
import { cliReference, commandsOf } from './reference.ts'
import { run } from './run.ts'

const root = join(import.meta.dirname, '../../..')

/** Parses a command line with stubs for actions; the name of the command that would have run. */
async function parse(line: string): Promise<string> {
  let ran = ''
  const stub: Run = async (command) => {
    ran = command.name()
  }
  const program = buildProgram(stub, '0')
  const settle = (command: Command) => {
    command.exitOverride().configureOutput({ writeOut: () => {}, writeErr: () => {} })
    command.commands.forEach(settle)
  }
  settle(program)
  const [name, ...argv] = words(line)
  expect(name).toBe('tmgen')
  await program.parseAsync(argv, { from: 'user' }).catch((error) => {
    if (!(error instanceof CommanderError) || error.exitCode !== 0) throw error
    ran = 'help'
  })
  return ran
}

/** A shell line up to a comment, a pipe, && or a redirection. */
function words(line: string): string[] {
  const end = line.search(/\s(#|\||&&|>|<)/)
  return (end < 0 ? line : line.slice(0, end)).trim().split(/\s+/)
}

function markdownFiles(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory()
      ? markdownFiles(join(dir, entry.name))
      : entry.name.endsWith('.md')
        ? [join(dir, entry.name)]
        : [],
  )
}

const all = commandsOf(buildProgram(async () => {}, '0'))

describe.each(all)('$name', ({ command }) => {
  test('has a description and an example, and its examples parse', async () => {
    expect(command.description()).not.toBe('')
    expect(examplesOf(command).length).toBeGreaterThan(0)
    for (const line of examplesOf(command)) expect(await parse(line), line).not.toBe('')
  })
  test('explains every option', () => {
    for (const option of command.options) expect(option.description, option.flags).not.toBe('')
  })
})

test.each(all.filter(({ name }) => name.includes(' ')))('$name --help prints an example', async ({ name }) => {
  const { code, stdout, stderr } = await run(...name.split(' ').slice(1), '--help')
  expect(code).toBe(0)
  expect(stderr).toBe('')
  expect(stdout).toContain('Examples:\n  $ tmgen ')
})

test('every tmgen command line in the README and in docs/ parses', async () => {
  const files = [join(root, 'README.md'), join(root, 'THREAT_MODEL.md'), ...markdownFiles(join(root, 'docs'))]
  const fenced = files.flatMap((file) => readFileSync(file, 'utf8').match(/^( *)```[\s\S]*?^\1```$/gm) ?? [])
  const lines = fenced.flatMap((block) => [...block.matchAll(/^ *(?:\$ )?(tmgen .*)$/gm)].map((match) => match[1]!))
  expect(lines.length).toBeGreaterThan(30)
  for (const line of lines)
    for (const part of line.split('&&')) {
      if (part.trim().startsWith('tmgen')) expect(await parse(part.trim()), line).not.toBe('')
    }
})

test('docs/reference/cli.md is what the definitions say (UPDATE=1 rewrites it)', () => {
  const file = join(root, 'docs/reference/cli.md')
  const wanted = cliReference(buildProgram(async () => {}, '0'))
  if (process.env.UPDATE === '1') writeFileSync(file, wanted)
  expect(readFileSync(file, 'utf8')).toBe(wanted)
})

test('docs/reference/errors.md explains every error code and no other', () => {
  const text = readFileSync(join(root, 'docs/reference/errors.md'), 'utf8')
  const documented = [...text.matchAll(/^## `([a-z-]+)`$/gm)].map((match) => match[1])
  expect(documented.sort()).toEqual([...errorCodes].sort())
})

describe('wrong usage ends with 2 and says what was meant', () => {
  test.each([
    [['lst'], /Did you mean list\?/],
    [['add', 'usr', 'alice'], /Did you mean user\?/],
    [['list', '--jsn'], /Did you mean --json\?/],
    [['add', 'user'], /missing required argument 'name'/],
    [['add', 'user', 'alice', '--quota', '500GB'], /digits and one of K, M, G, T, P/],
    [['add', 'user', 'alice', '--quota', '1.5T'], /digits and one of K, M, G, T, P/],
    [['add', 'mac', 'alice', 'imac', '--quota', '0'], /more than 0/],
    [['init', '--provider', 'tailscal'], /Allowed choices are tailscale, headscale, embedded, manual/],
    [['demo', '--keep', '--clean'], /cannot be used with/],
    [['list', 'alice'], /too many arguments/],
  ] as const)('%j', async (argv, message) => {
    const { code, stdout, stderr } = await run(...argv)
    expect(code).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toMatch(message)
  })
  test('no command at all prints the help on stderr', async () => {
    const { code, stdout, stderr } = await run()
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain('Usage: tmgen')
  })
})

test('--version prints the version of the package', async () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  expect(await run('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
})
