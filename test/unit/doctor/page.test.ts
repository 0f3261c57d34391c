import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checks } from '../../../src/doctor/index.ts'

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}`

function page(): string {
  const sections = checks.map(
    ({ name, looks, cause, remedy, repair }) =>
      `## \`${name}\`\n\nLooks ${looks}\n\nOtherwise: ${cause}\n\nWhat to do: ${sentence(remedy)}${repair ? '; or `tmgen doctor --fix`' : ''}.\n`,
  )
  return `# What \`tmgen doctor\` looks at

Every check has one of four verdicts: \`ok\`; \`warn\` (it works, with a drawback); \`fail\` (it does not work; exit code 1);
\`skipped\` (it could not be looked at, with the reason: that says nothing about it). Nothing is changed, and nothing is
written to try whether it can be. \`tmgen doctor --fix\` repairs the few things that are safe without a look at the
machine, named below: it shows each, asks (\`--yes\` answers), and examines again; what people backed up is never
touched. This page is made from the list of checks.

${sections.join('\n')}`
}

test('docs/reference/doctor.md is what the list of checks says (UPDATE=1 rewrites it)', () => {
  const file = join(import.meta.dirname, '../../../docs/reference/doctor.md')
  if (process.env.UPDATE === '1') writeFileSync(file, page())
  expect(readFileSync(file, 'utf8')).toBe(page())
})

test('each check has a name of its own, and a sentence for each part', () => {
  expect(new Set(checks.map((check) => check.name)).size).toBe(checks.length)
  for (const { name, looks, cause, remedy } of checks) {
    expect(name).toMatch(/^[a-z][a-z-]*$/)
    for (const text of [looks, cause]) expect(text, name).toMatch(/^.{15,}\.$/)
    expect(remedy, name).toMatch(/^.{10,}[^.]$/)
  }
})
