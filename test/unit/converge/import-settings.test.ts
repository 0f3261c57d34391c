import { describe, expect, test } from 'vitest'
import { compareSettings } from '../../../src/converge/import-settings.ts'
import { smbConf } from '../../../src/render/samba.ts'
import { deployment, templates, user } from '../render/fixture.ts'

const alice = user(1, 'alice')
const ours = smbConf(deployment([alice]), alice, templates)
const mac = 'macbook'

/** What the most used image of a Time Machine server writes by default. */
const former = `[global]
   server role = standalone server
   vfs objects = acl_xattr fruit streams_xattr
   fruit:aapl = yes
   fruit:nfs_aces = no
   fruit:model = TimeCapsule8,119
   fruit:metadata = stream
   fruit:veto_appledouble = no
   fruit:posix_rename = yes
   fruit:zero_file_id = yes
   fruit:wipe_intentionally_left_blank_rfork = yes
   fruit:delete_empty_adfiles = yes

[TimeMachine]
   path = /opt/timemachine
   vfs objects = acl_xattr fruit streams_xattr
   fruit:time machine = yes
   fruit:time machine max size = 0
`
const compare = (text: string, share?: string) => {
  const { refusals, notes } = compareSettings({ file: 'smb.conf', text, share }, ours, mac)
  return { refusals: refusals.map((error) => error.message), notes }
}

describe('settings of a former Samba', () => {
  test('the usual ones fit; what differs without moving data is named', () => {
    const { refusals, notes } = compare(former)
    expect(refusals).toEqual([])
    expect(notes).toEqual([
      'the module acl_xattr is not used any more',
      'fruit:posix_rename was yes, here it is not set',
      'fruit:zero_file_id was yes, here it is not set',
      'fruit:copyfile was not set, here it is no',
    ])
  })

  test.each<[string, string, RegExp]>([
    [
      'metadata elsewhere',
      former.replace('metadata = stream', 'metadata = netatalk'),
      /fruit:metadata was netatalk, here it is stream/,
    ],
    ['metadata left at the default', former.replace('   fruit:metadata = stream\n', ''), /fruit:metadata was netatalk/],
    ['the share says otherwise than [global]', `${former}fruit:metadata = netatalk\n`, /fruit:metadata/],
    ['streams in a folder', former.replaceAll('streams_xattr', 'streams_depot'), /vfs objects was fruit streams_depot/],
    [
      'no fruit in the share',
      `${former}`.replace(/(opt\/timemachine\n).*\n/, '$1vfs objects = streams_xattr\n'),
      /vfs objects was streams_xattr/,
    ],
    ['resource forks as streams', `${former}fruit:resource = stream\n`, /fruit:resource was stream, here it is file/],
    ['native names', `${former}fruit:encoding = native\n`, /fruit:encoding/],
    ['another prefix', `${former}streams_xattr:prefix = user.\n`, /streams_xattr:prefix/],
    [
      'settings elsewhere',
      former.replace('[global]', '[global]\n include = /etc/more.conf'),
      /include: settings of other files/,
    ],
    ['a line that is none', `${former}what\n`, /line 19: neither/],
    ['a parameter twice', `${former}path = /x\n`, /"path" twice/],
    ['two shares', `${former}[other]\npath = /y\n`, /it has 2 shares/],
    ['nothing', '', /it has 0 shares/],
  ])('refused: %s', (_name, text, expected) =>
    expect(compare(text).refusals).toEqual([expect.stringMatching(expected)]))

  test('the share can be named', () => {
    const two = `${former}[other]\nvfs objects =\n`
    expect(compare(two, 'TimeMachine').refusals).toEqual([])
    expect(compare(two, 'other').refusals).toEqual([expect.stringMatching(/vfs objects was none/)])
    expect(compare(two, 'gone').refusals).toEqual([expect.stringMatching(/no share "gone"/)])
  })
})
