import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { type Client, cleanUp, docker, type Stack, startContainer, startTwoUsers } from './support/index.ts'

/** Whether the kernel mounts SMB shares, after a try to load what it takes. */
async function kernelHasCifs(): Promise<boolean> {
  const has = () => /\bcifs$/m.test(readFileSync('/proc/filesystems', 'utf8'))
  if (has()) return true
  const flags = ['--rm', '--privileged', '--network', 'none', '-v', '/lib/modules:/lib/modules:ro']
  // What fails here shows in the second look.
  await docker(['run', ...flags, '--entrypoint', 'modprobe', 'tmgen-lab/client', 'cifs']).catch(() => undefined)
  return has()
}

// What a person does with a mounted share; `cmp` after a new mount reads from the server, not from the page cache.
const WORK = `set -eu
mkdir -p /mnt/share /tmp/tree/sub
head -c 20000000 /dev/urandom > /tmp/tree/large
head -c 4097 /dev/urandom > /tmp/tree/sub/small
: > /tmp/tree/sub/empty
mount_share() { mount -t cifs "//$1/macbook" /mnt/share -o credentials=/run/cifs.auth,vers=3.1.1,nouser_xattr; }
mount_share "$1"
cp -R /tmp/tree /mnt/share/tree
mv /mnt/share/tree/sub/small /mnt/share/tree/sub/renamed
mv /mnt/share/tree/sub /mnt/share/tree/moved
dd if=/tmp/tree/large of=/mnt/share/tree/synced bs=1M conv=fsync 2>/dev/null
dd if=/tmp/tree/sub/small of=/mnt/share/tree/large bs=1 seek=1000001 count=4097 conv=notrunc,fsync 2>/dev/null
dd if=/tmp/tree/sub/small of=/tmp/tree/large bs=1 seek=1000001 count=4097 conv=notrunc 2>/dev/null
umount /mnt/share
mount_share "$1"
cmp /tmp/tree/large /mnt/share/tree/large
cmp /tmp/tree/sub/small /mnt/share/tree/moved/renamed
test "$(stat -c %s /mnt/share/tree/synced)" = 20000000
test -e /mnt/share/tree/moved/empty
test ! -e /mnt/share/tree/sub
rm -r /mnt/share/tree
test -z "$(ls -A /mnt/share)"
umount /mnt/share
`

describe('a share mounted by the kernel of Linux', () => {
  let stack: Stack
  let alice: Client
  let cifs = false

  beforeAll(async () => {
    cifs = await kernelHasCifs()
    if (cifs) ({ stack, alice } = await startTwoUsers())
  })
  afterAll(cleanUp)

  test('takes copies, renames and synced writes, and gives them back after a new mount', async ({ skip }) => {
    if (!cifs) skip('the kernel has no cifs: neither built in nor as a module')
    const rights = ['SYS_ADMIN', 'DAC_READ_SEARCH'].flatMap((one) => ['--cap-add', one])
    const place = ['--network', `container:${alice.id}`, '--security-opt', 'apparmor=unconfined']
    const command = ['--entrypoint', 'sleep']
    const box = await startContainer('cifs', 'tmgen-lab/client', [...place, ...rights, ...command], ['infinity'])
    const { user, password } = await stack.login('alice')
    await box.must(['sh', '-c', 'umask 077; cat > /run/cifs.auth'], {
      input: `username=${user}\npassword=${password}\ndomain=WORKGROUP\n`,
    })
    await box.must(['sh', '-s', await alice.peerIp('tm-alice')], { input: WORK })
  })
})
