import { type Command, InvalidArgumentError, Option } from 'commander'
import type { NewImages } from '../../config/index.ts'
import { type Run, withExamples } from './run.ts'
import { collect } from './values.ts'

const imageNames: readonly (keyof NewImages)[] = ['debian', 'golang', 'gateway', 'samba', 'headscale', 'monitor']

/** NAME=REF into the images so far; whether REF is an image reference says the config. */
function image(text: string, before: NewImages | undefined): NewImages {
  const at = text.indexOf('=')
  const name = imageNames.find((one) => one === text.slice(0, at))
  if (name === undefined) throw new InvalidArgumentError(`write NAME=REF, NAME one of ${imageNames.join(', ')}`)
  if (before?.[name] !== undefined) throw new InvalidArgumentError(`${name} is given twice`)
  return { ...before, [name]: text.slice(at + 1) }
}

/** The verb that makes a workspace. */
export function initVerb(program: Command, run: Run): void {
  withExamples(
    program
      .command('init [dir]')
      .description('make a workspace: config, compose files, and for `embedded` the control server')
      .addOption(
        new Option('--provider <provider>', 'who hands out auth keys').choices([
          'tailscale',
          'headscale',
          'embedded',
          'manual',
        ]),
      )
      .option('--storage <path>', 'folder on the Docker host that holds a folder per user')
      .option('--url <url>', 'URL of the control server (headscale and embedded need it)')
      .option('--name <name>', 'workspace name; default: the name of the folder')
      .option('--subnet <cidr>', 'private subnet of the internal bridge; default: a random 10.x.y.0/22')
      .option(
        '--image <name=ref>',
        'image to use instead (repeatable): base debian or golang, ready gateway, samba or headscale',
        image,
      )
      .addOption(
        new Option('--host <where>', 'whether tmgen runs on the Docker host')
          .choices(['local', 'remote'])
          .default('local'),
      )
      .option(
        '--operator <login>',
        'who may open the dashboard: a login in the tailnet, or a tag (repeatable)',
        collect,
      )
      .option('--tls-cert <file>', 'embedded: certificate of your own (with --tls-key)')
      .option('--tls-key <file>', 'embedded: its private key file')
      .option('--acme-email <email>', "embedded: get a certificate from Let's Encrypt by ACME")
      .option('--no-start', 'embedded: do not start the control server now')
      .option('-y, --yes', 'ask nothing: take the defaults')
      .action((dir, options, command) =>
        run(command, async (context) => (await import('../init.ts')).init(context, dir, options)),
      ),
    'tmgen init timemachine --provider headscale --url https://headscale.example.com --storage /srv/timemachine --operator you@example.com',
    'tmgen init timemachine --provider embedded --url https://hs.example.com --acme-email admin@example.com --storage /srv/timemachine',
    'tmgen init timemachine --provider manual --storage /srv/timemachine --host remote --yes',
    'tmgen init timemachine --provider manual --storage /srv/timemachine --image debian=mirror.example.com/debian:trixie-slim',
  )
}
