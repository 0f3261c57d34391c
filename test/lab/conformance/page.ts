import { type Explained, suiteOf } from './expected.ts'

const intro = `# Conformance

What of SMB reaches a share through the gateway, by Samba's own test suites (\`smbtorture\`). Each suite runs through a
client's tailnet, the user's node and the gateway, and at the same time directly against a second Samba of the same
image, limits and smb.conf. Every test must end alike on both paths, apart from those marked flaky; what passes must
contain the list in \`test/lab/conformance/passes.txt\`; everything else is on this page, which is made from
\`test/lab/conformance/explained.tsv\`.

The shares are those that tmgen makes, with what the tests presume: new files get execute rights (tmgen's \`0600\` refuses
an open that asks for all rights, as these tests do and backupd does not), the server calls itself MacSamba, takes
Finder's copies and UNIX modes by ACE, one share has a quota of 32 KiB, and \`vfs.fruit\` runs without Time Machine.
`

/**
 * docs/reference/conformance.md.
 * @param passes names of tests that pass
 * @param explained all others, in the order of the page
 */
export function conformancePage(passes: readonly string[], explained: readonly Explained[]): string {
  const names = [...new Set([...passes, ...explained.map(({ test }) => test)].map(suiteOf))].sort()
  const count = (suite: string, ends?: string) =>
    ends === undefined
      ? passes.filter((test) => suiteOf(test) === suite).length
      : explained.filter((one) => suiteOf(one.test) === suite && one.ends === ends).length
  const rows = names.map(
    (suite) =>
      `| ${suite} | ${count(suite)} | ${count(suite, 'failure') + count(suite, 'error')} | ${count(suite, 'skip')} | ${count(suite, 'flaky')} |`,
  )
  const fails = explained.filter(({ ends }) => ends !== 'skip')
  const skips = explained.filter(({ ends }) => ends === 'skip')
  return [
    intro,
    '| Suite | passes | fails | skips itself | flaky |\n| --- | --- | --- | --- | --- |',
    ...rows,
    '\n## Tests that fail, each with the reason\n',
    table(fails),
    '\n## Tests that skip themselves\n',
    table(skips),
    '',
  ].join('\n')
}

function table(list: readonly Explained[]): string {
  return [
    '| Test | Reason | Matters for Time Machine |\n| --- | --- | --- |',
    ...list.map(({ test, ends, reason, matters }) => {
      const flaky = ends === 'flaky' && !/^flaky/i.test(reason) ? 'flaky: ' : ''
      return `| \`${test}\` | ${flaky}${reason} | ${matters} |`
    }),
  ].join('\n')
}
