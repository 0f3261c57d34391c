/** A process of its own over a real disk: `node child.mjs BASE COMMAND [NAME]`; prints the errors, one a line. */
import { addUserText } from '../../../../src/config/index.ts'
import { pipeline } from '../../../../src/converge/pipeline.ts'
import { TmgenError, TmgenErrors } from '../../../../src/errors.ts'
import { openPlane, realWorld } from './place.ts'

const [base = '', command = '', name = ''] = process.argv.slice(2)
const world = realWorld(base)
const plane = openPlane(base)
process.stdout.write('begin\n')
try {
  const adds =
    command === 'add'
      ? {
          edit: (parsed: Parameters<typeof addUserText>[0]) =>
            addUserText(parsed, { name, logins: [`${name}@example.com`], macs: [{ name: 'mac' }] }),
          users: [name],
        }
      : {}
  const wanted = { name: `${command} ${name}`.trim(), permits: 'all', remote: 'write', ...adds } as const
  await pipeline(world, `${base}/ws`, wanted, { makeProvider: () => plane.provider(world.now) })
} catch (error) {
  const all = error instanceof TmgenErrors ? error.errors : error instanceof TmgenError ? [error] : undefined
  if (all === undefined) throw error
  for (const { code, message, hint } of all) process.stdout.write(`${code}: ${message} (${hint})\n`)
  process.exitCode = 1
}
