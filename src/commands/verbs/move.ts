import type { Command } from 'commander'
import { type Run, withExamples } from './run.ts'
import { collect } from './values.ts'

const passphraseFile = '--passphrase-file <file>'

/** The verbs about the workspace as a whole: backup, restore, adopt, lock. */
export function moveVerbs(program: Command, run: Run): void {
  withExamples(
    program
      .command('backup <file>')
      .description(
        'write config, lock, secrets and state (node keys, the embedded Headscale) to one encrypted file in age format; ' +
          'the backups of the Macs are not in it',
      )
      .option(
        '--recipient <age1...>',
        'who can open it: a public key of age (repeatable); default: a passphrase',
        collect,
      )
      .option(passphraseFile, 'take the passphrase from the first line of FILE instead of asking')
      .option('--identity <file>', 'with --recipient: open the backup with this age identity, to check it')
      .option('--force', 'replace FILE where it exists')
      .option('--json', 'print JSON')
      .action((file, options, command) =>
        run(command, async (context) => (await import('../backup.ts')).backup(context, file, options)),
      ),
    'tmgen backup /mnt/usb/tm.age',
    'tmgen backup tm.age --recipient age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p',
    'tmgen backup tm.age --passphrase-file ~/tm.passphrase --force',
  )
  withExamples(
    program
      .command('restore <file> [dir]')
      .description('make the workspace of a backup in an empty folder; its nodes stay down until tmgen adopt')
      .option('--list', 'show what is in the backup, and write nothing')
      .option('--identity <file>', 'age identity that opens it')
      .option(passphraseFile, 'take the passphrase from the first line of FILE instead of asking')
      .option('--json', 'print JSON')
      .action((file, dir, options, command) =>
        run(command, async (context) => (await import('../restore.ts')).restore(context, file, dir, options)),
      ),
    'tmgen restore tm.age --list',
    'tmgen restore tm.age timemachine --identity ~/key.txt',
  )
  withExamples(
    program
      .command('adopt')
      .description(
        'take over a workspace that was restored, or that another host had: refused while its nodes are online, because ' +
          'two hosts with the same node keys fight',
      )
      .option('-y, --yes', 'the old host is stopped: do not ask where tmgen cannot see that (manual, embedded)')
      .option('--json', 'print what was done as JSON')
      .action((options, command) =>
        run(command, async (context) => (await import('../adopt.ts')).adopt(context, options)),
      ),
    'tmgen adopt',
    'tmgen adopt && docker compose up -d',
  )
  const lock = withExamples(program.command('lock').description('about tmgen.lock.json'), 'tmgen lock rebuild')
  withExamples(
    lock
      .command('rebuild')
      .description(
        'make tmgen.lock.json anew when it was lost or is too old: from the markers and owners of the storage, state/ and ' +
          'generated/. Shows what it found first; refuses where two things contradict each other',
      )
      .option('-y, --yes', 'write it without asking')
      .option('--json', 'print JSON')
      .action((options, command) =>
        run(command, async (context) => (await import('../lock-rebuild.ts')).lockRebuild(context, options)),
      ),
    'tmgen lock rebuild',
  )
}
