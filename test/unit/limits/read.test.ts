import { describe, expect, test } from 'vitest'
import { isDataset, parseQgroup, readQgroup, readRefquota } from '../../../src/limits/read.ts'
import { MemoryDisk, memoryWorld } from '../../support/world.ts'

// As btrfs-progs 6.2 prints it (run on a loop device), and the older titles.
const shown = (max: string) => `Qgroupid    Referenced    Exclusive  Max referenced   Path
--------    ----------    ---------  --------------   ----
0/256            16384        16384       ${max}   alice
`
const old = `qgroupid         rfer         excl     max_rfer
--------         ----         ----     --------
0/257           16384        16384   1073741824
`

describe('the table of btrfs qgroup show', () => {
  test.each([
    ['a limit', shown('1073741824'), 1073741824],
    ['the older titles', old, 1073741824],
    ['none', shown('none'), 'none'],
    ['a size for people', shown('1.00GiB'), undefined],
    ['two groups', `${shown('none')}0/300 1 1 7 bob\n`, undefined],
    ['no group', shown('1').split('\n').slice(0, 2).join('\n'), undefined],
    ['nothing', '', undefined],
    ['other titles', shown('1').replace('Max referenced', 'Max exclusive'), undefined],
  ])('%s', (_name, text, expected) => expect(parseQgroup(text)).toBe(expected))
})

const world = (stdout: string, stderr = '', exitCode = 0) =>
  memoryWorld(new MemoryDisk(), { tools: () => ({ exitCode, stdout, stderr }) })

describe('what cannot be read is advisory, with the reason', () => {
  test.each([
    ['refquota', readRefquota(world('1099511627776\n'), 'tank/alice'), { state: 'enforced', bytes: 2 ** 40 }],
    ['no refquota', readRefquota(world('0\n'), 'tank/alice'), { state: 'advisory', why: 'no refquota is set' }],
    ['words', readRefquota(world('1T\n'), 'tank/alice'), { state: 'advisory', why: /^not read/ }],
    ['a failure', readRefquota(world('', 'cannot open', 1), 'tank/a'), { state: 'advisory', why: /cannot open/ }],
    ['an option for a name', readRefquota(world('5\n'), '-r'), { state: 'advisory', why: /no name/ }],
    ['no program', readQgroup(memoryWorld(new MemoryDisk()), '/a'), { state: 'advisory', why: /not installed/ }],
    [
      'switched off',
      readQgroup(world('', "ERROR: can't list qgroups: quotas not enabled", 1), '/a'),
      { state: 'advisory', why: 'quota groups are not switched on' },
    ],
    [
      'a limit that does not count now',
      readQgroup(world(shown('1073741824'), 'WARNING: qgroup data inconsistent, rescan recommended'), '/a'),
      { state: 'advisory', why: /not counted yet/ },
    ],
  ])('%s', async (_name, read, expected) => {
    const { why, ...rest } = expected as { state: string; why?: string | RegExp; bytes?: number }
    expect(await read).toMatchObject({
      ...rest,
      ...(why === undefined ? {} : { why: expect.stringMatching(why) }),
    })
  })
})

test('names of datasets', () => {
  expect(['tank', 'tank/tm/alice', 'tank/my data'].every(isDataset)).toBe(true)
  expect(['', '-H', 'a\nb', '/tank'].some(isDataset)).toBe(false)
})
