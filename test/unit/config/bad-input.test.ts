import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../../src/config/index.ts'
import { bytes, change, failure, good } from './sample.ts'

const few = (count: number): string =>
  Array.from({ length: count }, (_, i) => `  - {name: user${i}, logins: [a], macs: [{name: mini}]}\n`).join('')

/** Bad input -> codes, then exactly what a person reads. */
const table: [name: string, input: string | Uint8Array, expected: string][] = [
  [
    'an unknown key, with the nearest known one',
    change('    logins: [bob', '    login: [bob'),
    `config-invalid
tmgen.yaml:17:5: unknown key "login" in users[1]
      login: [bob@example.com]
      ^
hint: did you mean logins?`,
  ],
  [
    'an unknown key that is near nothing',
    change('  subnet:', '  colour: red\n  subnet:'),
    `config-invalid
tmgen.yaml:9:3: unknown key "colour" in network
    colour: red
    ^
hint: known keys here: subnet, udp, uid, ipv6; keys that start with x- are free`,
  ],
  [
    'a key of another provider',
    change('  url:', '  tailnet: x\n  url:'),
    `config-invalid
tmgen.yaml:5:3: unknown key "tailnet" in control
    tailnet: x
    ^
hint: known keys here: provider, url, keyExpiry; keys that start with x- are free`,
  ],
  [
    'a user that stands twice',
    change('name: bob', 'name: alice'),
    `config-invalid
tmgen.yaml:16:11: users[1].name "alice" stands twice; first on line 11
    - name: alice
            ^
hint: a person has one entry with all their Macs; rename or merge`,
  ],
  [
    'a Mac that stands twice',
    change('      - name: mini', '      - name: mini\n      - name: mini'),
    `config-invalid
tmgen.yaml:20:15: users[1].macs[1].name "mini" stands twice; first on line 19
        - name: mini
                ^
hint: each Mac of a person needs a name of its own`,
  ],
  [
    'a name with capitals',
    change('name: bob', 'name: Bob'),
    `config-invalid
tmgen.yaml:16:11: users[1].name must be a DNS label of at most 30 characters
    - name: Bob
            ^
hint: use a-z, 0-9 and -; a letter first, no - at the end`,
  ],
  [
    'a name that ends with -',
    change('name: bob', 'name: bob-'),
    `config-invalid
tmgen.yaml:16:11: users[1].name must be a DNS label of at most 30 characters
    - name: bob-
            ^
hint: use a-z, 0-9 and -; a letter first, no - at the end`,
  ],
  [
    'a name of 31 characters',
    change('name: bob', 'name: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb'),
    `config-invalid
tmgen.yaml:16:11: users[1].name must be a DNS label of at most 30 characters
    - name: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
            ^
hint: use a-z, 0-9 and -; a letter first, no - at the end`,
  ],
  [
    'a reserved user name',
    change('name: bob', 'name: root'),
    `config-invalid
tmgen.yaml:16:11: users[1].name is reserved: it means something to Linux, Samba or the stack
    - name: root
            ^
hint: choose another name`,
  ],
  [
    'a reserved Mac name',
    change('name: mini', 'name: homes'),
    `config-invalid
tmgen.yaml:19:15: users[1].macs[0].name is reserved: it means something to Samba
        - name: homes
                ^
hint: choose another name`,
  ],
  [
    'the quota 500GB',
    change('quota: 1T', 'quota: 500GB'),
    `config-invalid
tmgen.yaml:15:16: users[0].macs[0].quota must be whole digits and one of K, M, G, T, P (Samba takes anything else as no limit)
          quota: 500GB
                 ^
hint: write 500G or 1T; for 1.5T write 1536G`,
  ],
  [
    'the quota 1.5T',
    change('quota: 1T', 'quota: 1.5T'),
    `config-invalid
tmgen.yaml:15:16: users[0].macs[0].quota must be whole digits and one of K, M, G, T, P (Samba takes anything else as no limit)
          quota: 1.5T
                 ^
hint: write 500G or 1T; for 1.5T write 1536G`,
  ],
  [
    'the quota 0',
    change('quota: 1T', 'quota: 0'),
    `config-invalid
tmgen.yaml:15:16: users[0].macs[0].quota must be more than 0 (Samba takes 0 as no limit)
          quota: 0
                 ^
hint: Quota of this Mac; without it defaults.quota`,
  ],
  [
    'the quota 0G',
    change('quota: 1T', 'quota: 0G'),
    `config-invalid
tmgen.yaml:15:16: users[0].macs[0].quota must be more than 0 (Samba takes 0 as no limit)
          quota: 0G
                 ^
hint: write 500G or 1T; for 1.5T write 1536G`,
  ],
  [
    'the quota -5G',
    change('quota: 1T', 'quota: -5G'),
    `config-invalid
tmgen.yaml:15:16: users[0].macs[0].quota must be whole digits and one of K, M, G, T, P (Samba takes anything else as no limit)
          quota: -5G
                 ^
hint: write 500G or 1T; for 1.5T write 1536G`,
  ],
  [
    'the quota -5',
    change('quota: 1T', 'quota: -5'),
    `config-invalid
tmgen.yaml:15:16: users[0].macs[0].quota must be whole digits and one of K, M, G, T, P (Samba takes anything else as no limit)
          quota: -5
                 ^
hint: Quota of this Mac; without it defaults.quota`,
  ],
  [
    'the quota 500',
    change('quota: 1T', 'quota: 500'),
    `config-invalid
tmgen.yaml:15:16: users[0].macs[0].quota must be whole digits and one of K, M, G, T, P (Samba takes anything else as no limit)
          quota: 500
                 ^
hint: Quota of this Mac; without it defaults.quota`,
  ],
  [
    'the quota 9P',
    change('quota: 1T', 'quota: 9P'),
    `config-invalid
tmgen.yaml:15:16: users[0].macs[0].quota must be less than 8P
          quota: 9P
                 ^
hint: write 500G or 1T; for 1.5T write 1536G`,
  ],
  [
    'a user without login and tag',
    change('    logins: [bob@example.com]\n', ''),
    `config-invalid
tmgen.yaml:16:5: users[1] ("bob") has no login and no tag: nobody could connect
    - name: bob
      ^
hint: add logins: [alice@example.com], or enabled: false`,
  ],
  [
    'a login that is a group',
    change('[bob@example.com]', '["group:all"]'),
    `config-invalid
tmgen.yaml:17:14: users[1].logins[0] must be a login of the tailnet
      logins: ["group:all"]
               ^
hint: write it as the control plane shows it: alice@example.com`,
  ],
  [
    'a tag of a node of tmgen',
    change('logins: [bob@example.com]', 'tags: [tag:tm-alice]'),
    `config-invalid
tmgen.yaml:17:12: users[1].tags[0] is reserved for the nodes that tmgen makes
      tags: [tag:tm-alice]
             ^
hint: give managed Macs a tag of their own`,
  ],
  [
    'a user without macs',
    change('    macs:\n      - name: mini\n', ''),
    `config-invalid
tmgen.yaml:16:5: users[1].macs is missing
    - name: bob
      ^
hint: The person’s Macs, a share for each`,
  ],
  [
    'an empty list of Macs',
    change('    macs:\n      - name: mini\n', '    macs: []\n'),
    `config-invalid
tmgen.yaml:18:11: users[1].macs must not be empty
      macs: []
            ^
hint: The person’s Macs, a share for each`,
  ],
  [
    'the subnet 10.77.0.0/29',
    change('10.77.0.0/22', '10.77.0.0/29'),
    `config-invalid
tmgen.yaml:9:11: network.subnet is too small: a /28 is the least, for 9 users
    subnet: 10.77.0.0/29
            ^
hint: use /28 to /22; a /22 holds 1,005 users`,
  ],
  [
    'the subnet 10.77.0.0/21',
    change('10.77.0.0/22', '10.77.0.0/21'),
    `config-invalid
tmgen.yaml:9:11: network.subnet is too large: a Linux bridge has 1,023 ports
    subnet: 10.77.0.0/21
            ^
hint: use /22 or longer: 10.77.0.0/22`,
  ],
  [
    'the subnet 100.64.0.0/22',
    change('10.77.0.0/22', '100.64.0.0/22'),
    `config-invalid
tmgen.yaml:9:11: network.subnet is not private
    subnet: 100.64.0.0/22
            ^
hint: take it from 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16 (RFC 1918)`,
  ],
  [
    'the subnet 10.77.0.5/22',
    change('10.77.0.0/22', '10.77.0.5/22'),
    `config-invalid
tmgen.yaml:9:11: network.subnet has bits set behind its prefix
    subnet: 10.77.0.5/22
            ^
hint: did you mean 10.77.0.0/22?`,
  ],
  [
    'the subnet 10.77.0/22',
    change('10.77.0.0/22', '10.77.0/22'),
    `config-invalid
tmgen.yaml:9:11: network.subnet must be an IPv4 subnet in CIDR form
    subnet: 10.77.0/22
            ^
hint: for example 10.77.0.0/22`,
  ],
  [
    'the subnet fd00::/64',
    change('10.77.0.0/22', 'fd00::/64'),
    `config-invalid
tmgen.yaml:9:11: network.subnet must be an IPv4 subnet in CIDR form
    subnet: fd00::/64
            ^
hint: for example 10.77.0.0/22`,
  ],
  [
    'a subnet with fewer addresses than users',
    change('10.77.0.0/22', '10.77.0.0/28') + few(8),
    `capacity
tmgen.yaml:9:11: network.subnet has room for 9; there are 10 users
    subnet: 10.77.0.0/28
            ^
hint: use a larger subnet; a /22 holds 1,005 users`,
  ],
  [
    'a UDP range smaller than a block',
    change('  subnet:', '  udp: {from: 21000, to: 21030}\n  subnet:'),
    `config-invalid
tmgen.yaml:9:8: network.udp has 31 ports; the least is a block of 32
    udp: {from: 21000, to: 21030}
         ^
hint: ports are published in blocks of 32: to: 21031`,
  ],
  [
    'a UDP range with fewer ports than users',
    change('  subnet:', '  udp: {from: 21000, to: 21063}\n  subnet:') + few(63),
    `capacity
tmgen.yaml:9:8: network.udp has room for 64; there are 65 users
    udp: {from: 21000, to: 21063}
         ^
hint: raise network.udp.to; ports count in whole blocks of 32`,
  ],
  [
    'a UDP range that runs backwards',
    change('  subnet:', '  udp: {from: 22100, to: 22000}\n  subnet:'),
    `config-invalid
tmgen.yaml:9:8: network.udp ends (22000) before it starts (22100)
    udp: {from: 22100, to: 22000}
         ^
hint: swap from and to`,
  ],
  [
    'a UDP range in the ephemeral ports',
    change('  subnet:', '  udp: {to: 33000}\n  subnet:'),
    `config-invalid
tmgen.yaml:9:13: network.udp.to must be below 32768
    udp: {to: 33000}
              ^
hint: the kernel deals the ports above to anybody (ephemeral range)`,
  ],
  [
    'a privileged UDP port',
    change('  subnet:', '  udp: {from: 80}\n  subnet:'),
    `config-invalid
tmgen.yaml:9:15: network.udp.from must be at least 1024
    udp: {from: 80}
                ^
hint: 1024 to 65535`,
  ],
  [
    'a UID range with fewer UIDs than users',
    change('  subnet:', '  uid: {from: 20001, to: 20001}\n  subnet:'),
    `capacity
tmgen.yaml:9:8: network.uid has room for 1; there are 2 users
    uid: {from: 20001, to: 20001}
         ^
hint: raise network.uid.to (60000 at most)`,
  ],
  [
    'the UID of root',
    change('  subnet:', '  uid: {from: 0}\n  subnet:'),
    `config-invalid
tmgen.yaml:9:15: network.uid.from must be at least 1000
    uid: {from: 0}
                ^
hint: 1000 to 60000`,
  ],
  [
    'the storage path srv/tm',
    change('/srv/timemachine', 'srv/tm'),
    `config-invalid
tmgen.yaml:7:9: storage.root must be an absolute path
    root: srv/tm
          ^
hint: write it like /srv/timemachine`,
  ],
  [
    'the storage path /srv/tm/',
    change('/srv/timemachine', '/srv/tm/'),
    `config-invalid
tmgen.yaml:7:9: storage.root must not end with /
    root: /srv/tm/
          ^
hint: write it like /srv/timemachine`,
  ],
  [
    'the storage path /srv/../etc',
    change('/srv/timemachine', '/srv/../etc'),
    `config-invalid
tmgen.yaml:7:9: storage.root must not hold //, /./ or /../
    root: /srv/../etc
          ^
hint: write it like /srv/timemachine`,
  ],
  [
    'the storage path /srv//tm',
    change('/srv/timemachine', '/srv//tm'),
    `config-invalid
tmgen.yaml:7:9: storage.root must not hold //, /./ or /../
    root: /srv//tm
          ^
hint: write it like /srv/timemachine`,
  ],
  [
    'the storage path /',
    change('/srv/timemachine', '/'),
    `config-invalid
tmgen.yaml:7:9: storage.root must not be /
    root: /
          ^
hint: write it like /srv/timemachine`,
  ],
  [
    'the storage of another user',
    change('name: bob', 'name: bob\n    storage: /srv/timemachine/alice'),
    `storage
tmgen.yaml:17:14: users[1].storage (/srv/timemachine/alice) is also the storage of "alice" (line 11)
      storage: /srv/timemachine/alice
               ^
hint: give each user a folder of their own`,
  ],
  [
    'a storage inside that of another user',
    change('name: bob', 'name: bob\n    storage: /srv/timemachine/alice/bob'),
    `storage
tmgen.yaml:17:14: users[1].storage (/srv/timemachine/alice/bob) lies inside the storage of "alice" (line 11)
      storage: /srv/timemachine/alice/bob
               ^
hint: give each user a folder of their own`,
  ],
  [
    'a storage above that of another user',
    change('name: bob', 'name: bob\n    storage: /srv/timemachine'),
    `storage
tmgen.yaml:11:5: users[0].storage (/srv/timemachine/alice) lies inside the storage of "bob" (line 17)
    - name: alice
      ^
hint: give each user a folder of their own`,
  ],
  [
    'an unknown provider',
    change('headscale\n', 'headscal\n'),
    `config-invalid
tmgen.yaml:4:13: control.provider must be one of tailscale, headscale, embedded, manual
    provider: headscal
              ^
hint: did you mean headscale?`,
  ],
  [
    'no provider',
    change('  provider: headscale\n', ''),
    `config-invalid
tmgen.yaml:4:3: control.provider is missing
    url: https://headscale.example.com
    ^
hint: one of tailscale, headscale, embedded, manual`,
  ],
  [
    'no URL',
    change('  url: https://headscale.example.com\n', ''),
    `config-invalid
tmgen.yaml:4:3: control.url is missing
    provider: headscale
    ^
hint: URL of the Headscale server`,
  ],
  [
    'plain http to a public name',
    change('https://head', 'http://head'),
    `config-invalid
tmgen.yaml:5:8: control.url must start with https://: plain http works on loopback and private addresses only
    url: http://headscale.example.com
         ^
hint: write it like https://headscale.example.com, without user, query or fragment`,
  ],
  [
    'a password in the URL',
    change('https://head', 'https://me:hunter2@head'),
    `config-invalid
tmgen.yaml:5:8: control.url must be an http or https URL
    url: https://me:hunter2@headscale.example.com
         ^
hint: write it like https://headscale.example.com, without user, query or fragment`,
  ],
  [
    'an embedded https server without certificate',
    change('headscale\n', 'embedded\n'),
    `config-invalid
tmgen.yaml:4:3: control has an https URL and no certificate
    provider: embedded
    ^
hint: add tls: {mode: acme, email: …} or tls: {mode: own, cert: …, key: …}`,
  ],
  [
    'OIDC without https',
    change(
      'headscale\n  url: https://headscale.example.com',
      'embedded\n  url: http://10.0.0.5:8080\n  oidc: {issuer: https://id.example.com, clientId: x, secretFile: /etc/x}',
    ),
    `config-invalid
tmgen.yaml:6:9: control.oidc needs an https URL
    oidc: {issuer: https://id.example.com, clientId: x, secretFile: /etc/x}
          ^
hint: write https:// in control.url, and tls for its certificate`,
  ],
  [
    'a secret in the place of its file',
    change('headscale\n', 'embedded\n  oidc: {issuer: https://id.example.com, clientId: x, secret: hunter2}\n'),
    `config-invalid,config-invalid
tmgen.yaml:5:9: control.oidc.secretFile is missing
    oidc: {issuer: https://id.example.com, clientId: x, secret: …
          ^
hint: File on the Docker host with the client secret, which nobody but the owner of the workspace can read

tmgen.yaml:5:55: unknown key "secret" in control.oidc
    oidc: {issuer: https://id.example.com, clientId: x, secret: …
                                                        ^
hint: known keys here: issuer, clientId, secretFile, scopes, allowedDomains, allowedUsers, allowedGroups, pkce; keys that start with x- are free`,
  ],
  ...['3 days', '5', '"5"', '900d', '[3d]', 'null'].map((value): [string, string, string] => [
    `the time ${value}: once, with the default for an example,`,
    change('users:', `monitor:\n  stale: ${value}\nusers:`),
    `config-invalid
tmgen.yaml:11:10: monitor.stale must be digits and h or d, 2h to 365d
    stale: ${value}
           ^
hint: for example 72h`,
  ]),
  [
    'a time of three units',
    change('users:', 'monitor:\n  node: 8d\nusers:'),
    `config-invalid
tmgen.yaml:11:9: monitor.node must be digits and m, h or d, 1m to 7d
    node: 8d
          ^
hint: for example 30m`,
  ],
  [
    'a size that is a number',
    change('users:', 'monitor:\n  verify: {bytes: 5}\nusers:'),
    `config-invalid
tmgen.yaml:11:19: monitor.verify.bytes must be whole digits and one of K, M, G, T, P (Samba takes anything else as no limit)
    verify: {bytes: 5}
                    ^
hint: So much is read of each Mac in one round at most: 500M, 1G`,
  ],
  [
    'an address in the place of a list of them',
    change('users:', 'monitor:\n  mail: {host: a, from: me@example.com, to: you@example.com}\nusers:'),
    `config-invalid
tmgen.yaml:11:45: monitor.mail.to must be a list, not text
    mail: {host: a, from: me@example.com, to: you@example.com}
                                              ^
hint: write a list: [you@example.com]`,
  ],
  [
    'a key that lives too long',
    change('  url:', '  keyExpiry: 91d\n  url:'),
    `config-invalid
tmgen.yaml:5:14: control.keyExpiry must be digits and h or d, 1h to 90d
    keyExpiry: 91d
               ^
hint: for example 72h`,
  ],
  [
    'too little gateway memory',
    change('users:', 'gateway: {memory: 1M}\nusers:'),
    `config-invalid
tmgen.yaml:10:19: gateway.memory must be at least 64M
  gateway: {memory: 1M}
                    ^
hint: leave it out: the default grows with the number of nodes`,
  ],
  [
    'a newer version',
    change('version: 1', 'version: 2'),
    `config-invalid
tmgen.yaml:1:10: version is 2, of a newer tmgen; this one knows version 1
  version: 2
           ^
hint: install the tmgen that wrote it, or a newer one`,
  ],
  [
    'a number in place of text',
    change('workspace: home', 'workspace: 12'),
    `config-invalid
tmgen.yaml:2:12: workspace must be text, not 12
  workspace: 12
             ^
hint: quote it: "12"`,
  ],
  [
    'text in place of a list',
    change('[bob@example.com]', 'bob@example.com'),
    `config-invalid
tmgen.yaml:17:13: users[1].logins must be a list, not text
      logins: bob@example.com
              ^
hint: write a list: [bob@example.com]`,
  ],
  [
    'a bracket that is not closed',
    change('[bob@example.com]', '[bob@example.com'),
    `config-syntax
tmgen.yaml:18:5: Flow sequence in block collection must be sufficiently indented and end with a ]
      macs:
      ^
hint: look at the indentation, brackets and quotes here and just above`,
  ],
  [
    'a quote that is not closed',
    change('workspace: home', 'workspace: "home'),
    `config-syntax
tmgen.yaml:19:19: Missing closing "quote
        - name: mini
                    ^
hint: look at the indentation, brackets and quotes here and just above`,
  ],
  [
    'a key at the wrong column',
    change('    logins: [bob', '     logins: [bob'),
    `config-syntax,config-syntax
tmgen.yaml:16:11: Nested mappings are not allowed in compact mappings
    - name: bob
            ^
hint: look at the indentation, brackets and quotes here and just above

tmgen.yaml:16:11: Implicit keys need to be on a single line
    - name: bob
            ^
hint: look at the indentation, brackets and quotes here and just above`,
  ],
  [
    'a tab',
    change('    logins: [bob', '\tlogins: [bob'),
    `config-syntax,config-syntax
tmgen.yaml:17:1: Tabs are not allowed as indentation
  	logins: [bob@example.com]
  ^
hint: indent with spaces

tmgen.yaml:18:1: All mapping items must start at the same column
      macs:
  ^
hint: look at the indentation, brackets and quotes here and just above`,
  ],
  [
    'a duplicate key',
    change('storage:', 'network: {}\nstorage:'),
    `config-syntax
tmgen.yaml:9:1: the key "network" stands twice; first on line 6
  network:
  ^
hint: delete one of the two`,
  ],
  [
    'an alias loop',
    change('users:', 'x-loop: &loop [*loop]\nusers:'),
    `config-syntax
tmgen.yaml:10:16: the alias *loop is not allowed
  x-loop: &loop [*loop]
                 ^
hint: write the value out`,
  ],
  [
    'a merge key',
    change('    logins: [bob', '    <<: {enabled: true}\n    logins: [bob'),
    `config-invalid
tmgen.yaml:17:5: unknown key "<<" in users[1]
      <<: {enabled: true}
      ^
hint: known keys here: name, logins, tags, macs, storage, enabled, monitor; keys that start with x- are free`,
  ],
  [
    'a tag',
    change('workspace: home', 'workspace: !secret home'),
    `config-syntax
tmgen.yaml:2:12: Unresolved tag: !secret
  workspace: !secret home
             ^
hint: leave the tag out, or quote the value`,
  ],
  [
    'two documents',
    `${good}---\nversion: 1\n`,
    `config-syntax
tmgen.yaml:20:1: a second YAML document starts here
  ---
  ^
hint: keep one document; delete the --- line`,
  ],
  [
    '200 nested lists',
    `${good}x-deep: ${'['.repeat(200)}`,
    `config-syntax
tmgen.yaml:20:72: the file is nested more than 64 deep
  …-deep: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[…
                                                                         ^
hint: this does not look like a file for tmgen`,
  ],
  [
    'a file of 10 MB',
    new Uint8Array(10 * 1024 ** 2),
    `config-syntax
tmgen.yaml:1:1: the file has 10 MiB; the limit is 1 MiB
hint: this does not look like a file for tmgen; 1,000 users need about 0.2 MiB`,
  ],
  [
    'a byte that is no UTF-8',
    Uint8Array.of(...bytes(`${good}# f`), 0xfc, ...bytes('r alle\n')),
    `config-syntax
tmgen.yaml:20:4: the file is not valid UTF-8: byte 0xfc at offset 342
  # f�r alle
     ^
hint: save the file as UTF-8`,
  ],
  [
    'UTF-16',
    Buffer.from(`\ufeff${good}`, 'utf16le'),
    `config-syntax
tmgen.yaml:1:1: the file is not valid UTF-8: byte 0xff at offset 0
  ��v\\u{00}e\\u{00}r\\u{00}s\\u{00}i\\u{00}o\\u{00}n\\u{00}:\\u{00} \\u{00}1\\u{00}
  ^
hint: save the file as UTF-8`,
  ],
  [
    'a character cut at the end of the file',
    Uint8Array.of(...bytes(`${good}# `), 0xe2, 0x82),
    `config-syntax
tmgen.yaml:20:3: the file is not valid UTF-8: byte 0xe2 at offset 341
  # �
    ^
hint: save the file as UTF-8`,
  ],
  [
    'a NUL byte',
    change('workspace: home', 'workspace: ho\u0000me'),
    `config-syntax
tmgen.yaml:2:14: the file holds the control character U+0000
  workspace: ho\\u{00}me
               ^
hint: delete it`,
  ],
  [
    'a terminal escape',
    change('    logins: [bob', '    "\\e[2Jx": [bob'),
    `config-invalid
tmgen.yaml:17:5: unknown key "\\u{1b}[2Jx" in users[1]
      "\\e[2Jx": [bob@example.com]
      ^
hint: known keys here: name, logins, tags, macs, storage, enabled, monitor; keys that start with x- are free`,
  ],
  [
    'an empty file',
    '',
    `config-invalid
tmgen.yaml:1:1: the file is empty
hint: tmgen init writes a fresh one`,
  ],
]

test.each(table)('%s is refused with a place, the line, a caret and a hint', (_name, input, expected) => {
  const refused = failure(() => parseConfig(typeof input === 'string' ? bytes(input) : input, 'tmgen.yaml'))
  expect(refused).toBe(expected)
  expect(refused).toMatch(/^[a-z-]+(,[a-z-]+)*\ntmgen\.yaml:\d+:\d+: /)
  expect(refused).toContain('\nhint: ')
})

describe('a secret in tmgen.yaml is told where it goes, and never shown', () => {
  const ntfy = 'alerts: [ntfy], and the address into secrets/monitor/ntfy'
  const named = 'name the way (webhook, ntfy, apprise); its address goes into a file of that name in secrets/monitor/'
  const password = 'the password goes into secrets/monitor/mail-password'
  test.each<[yaml: string, hint: string]>([
    ['ntfy: https://ntfy.sh/hunter2', ntfy],
    ['"ntfy": hunter2', ntfy],
    ['alerts:\n    - ntfy: https://ntfy.sh/hunter2', ntfy],
    ['alerts:\n    ntfy: https://ntfy.sh/hunter2', ntfy],
    ['alerts: [{ntfy: hunter2}]', ntfy],
    ['alerts: [mail, https://ntfy.sh/hunter2]', named],
    ['alerts: https://ntfy.sh/hunter2', named],
    ['alerts:\n    - "discord://hunter2"', named],
    ['ping: https://hc-ping.com/hunter2', 'ping: true, and the address into secrets/monitor/ping'],
    ['mail: {host: a, from: a@b.c, password: hunter2}', password],
    ['mail: {host: a, from: a@b.c, smtp-pass : hunter2}', password],
    ['mailPassword: hunter2', password],
    ['ntfyToken: hunter2', 'the token goes into secrets/monitor/ntfy-token'],
  ])('%s', (yaml, hint) => {
    const refused = failure(() => parseConfig(bytes(change('users:', `monitor:\n  ${yaml}\nusers:`)), 'tmgen.yaml'))
    expect(refused).toContain(`\nhint: ${hint}`)
    expect(refused).not.toContain('hunter2')
  })

  test('at a user the files are the user’s', () => {
    const text = change(
      '    macs:\n      - name: mini',
      '    monitor: {webhook: hunter2}\n    macs:\n      - name: mini',
    )
    const refused = failure(() => parseConfig(bytes(text), 'tmgen.yaml'))
    expect(refused).toContain('hint: alerts: [webhook], and the address into secrets/monitor/users/bob/webhook')
    expect(refused).not.toContain('hunter2')
  })

  test.each([
    'stale: 1, password: hunter2',
    'password: hunter2, stale: 1',
    'token: hunter2, a: {',
    'a: *x, pass: hunter2',
  ])('other faults of the line do not show it either: %s', (yaml) => {
    const text = change('users:', `monitor: {${yaml}}\nusers:`)
    expect(failure(() => parseConfig(bytes(text), 'tmgen.yaml'))).not.toContain('hunter2')
  })

  test('a word that is near a way is only a slip', () => {
    const text = change('users:', 'monitor:\n  alerts: [nfty]\nusers:')
    expect(failure(() => parseConfig(bytes(text), 'tmgen.yaml'))).toContain(
      '[nfty]\n             ^\nhint: did you mean ntfy?',
    )
  })
})

test('a change that is no fault is accepted, so the table means something', () => {
  expect(failure(() => parseConfig(bytes(change('quota: 1T', 'quota: 2T')), 'tmgen.yaml'))).toBe('accepted')
})

test('all faults of a file are shown at once, in order of place', () => {
  const text = change('name: bob', 'name: Bob').replace('quota: 1T', 'quota: 0').replace('version: 1', 'version: 2')
  const refused = failure(() => parseConfig(bytes(`${text}  - name: alice\n    macs: [{name: m}]\n`), 'tmgen.yaml'))
  const places = [...refused.matchAll(/^tmgen\.yaml:(\d+:\d+): (\S+)/gm)].map((m) => m.slice(1).join(' '))
  expect(places).toEqual([
    '1:10 version',
    '15:16 users[0].macs[0].quota',
    '16:11 users[1].name',
    '20:5 users[2]',
    '20:11 users[2].name',
  ])
})
