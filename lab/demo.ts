import { existsSync } from 'node:fs'
import { cleanUp } from '../test/lab/support/index.ts'
import { backUps } from './show/backups.ts'
import { removeAll } from './show/clean.ts'
import { checkStun, home, workspace } from './show/place.ts'
import { quote, say, seconds, step, tellFailure } from './show/say.ts'
import { buildServer } from './show/server.ts'

// Two people, a server, and what each may and may not reach. --keep and --clean: see lab/demo.
const [flag] = process.argv.slice(2)

async function clean(): Promise<void> {
  await cleanUp()
  await removeAll()
}

async function show(): Promise<void> {
  if (existsSync(home)) throw new Error('an earlier demo is still here; remove it: npm run demo -- --clean')
  await checkStun()
  try {
    say('tmgen demo: a Time Machine server for two people, on a tailnet of its own.')
    const server = await buildServer()
    const clients = await backUps(server)
    say()
    say(`Done in ${seconds()}: two people back up, each through their own node, and neither reaches the other.`)
    if (flag === '--keep') tellHowToLook(clients)
    else await step('Clean up (npm run demo -- --keep leaves it running)', clean)
  } catch (error) {
    tellFailure(error)
    process.exitCode = 1
    if (flag === '--keep') say('What was started is still there. Remove it: npm run demo -- --clean')
    else await step('Clean up', clean)
  }
}

function tellHowToLook(clients: Record<string, string>): void {
  say()
  say('It is still running. Look at it:')
  quote(`cd ${workspace}`)
  quote('docker compose ps')
  quote('docker compose logs gateway')
  for (const [user, name] of Object.entries(clients)) quote(`docker exec ${name} tailscale status    # ${user}'s Mac`)
  say('Remove it with everything that it wrote:')
  quote('npm run demo -- --clean')
}

try {
  if (flag === '--clean') {
    const removed = await removeAll()
    say(removed.length === 0 ? 'There is nothing of a demo here.' : `Removed:\n  ${removed.join('\n  ')}`)
  } else await show()
} catch (error) {
  tellFailure(error)
  process.exitCode = 1
}
