// Takes the pictures of docs/ again, and prints what stands beside them there:
//   npm ci --ignore-scripts && lab/setup && npx tsx test/page/shots.ts
// A real stack: two people on one gateway, whose clients write their bundles through their nodes, and the real page. Only the
// clock is set: each look is told that it is on a day of the last three weeks.
import { join } from 'node:path'
import { cleanUp, compose, docker, startReceiver, startTwoUsers, waitFor } from '../lab/support/index.ts'
import { screens, shoot, startBrowser } from './browser.ts'
import { lookAt, type MacAtWork, macAtWork, openReporter } from './history-of-a-stack.ts'
import { relayTo } from './served.ts'

const [hour, day] = [3600_000, 24 * 3600_000]
const images = join(import.meta.dirname, '../../docs/how-to/images')
/** A folder of a name that people may see; the stack is called by it. */
const home = '/srv/family-backups'
const days = 14
/** How many days ago bob's Mac backed up last. */
const stopped = 4
/** What is told of a page: its first pixels, which keeps a picture below 120 KB. */
const highest = 1100
const pictures = [
  ['overview', '/', 'desk', 'light'],
  ['person', '/users/bob', 'desk', 'light'],
  ['overview-phone', '/', 'phone', 'dark'],
  ['person-phone', '/users/bob', 'phone', 'dark'],
] as const
const began = Date.now()

try {
  const { stack, alice, bob } = await startTwoUsers({
    named: home,
    aliceArgs: (made) => {
      // Between the looks of this program there are none; the end is told on the day that it is.
      made.edit('tmgen.yaml', (text) => `${text}monitor:\n  every: 1h\n  online: 1h\n  alerts: [webhook]\n`)
      return ['--mac', 'mini', '--quota', '2G']
    },
    bobArgs: () => ['--quota', '2G'],
  })
  const told = await startReceiver(stack)
  const macs: MacAtWork[] = [
    await macAtWork(stack, alice, { user: 'alice', share: 'macbook', bands: 40, more: 3 }),
    await macAtWork(stack, alice, { user: 'alice', share: 'mini', bands: 20, more: 1 }),
    await macAtWork(stack, bob, { user: 'bob', share: 'imac', bands: 30, more: 2 }),
  ]
  const reporter = await openReporter(stack)
  for (let ago = days; ago >= 0; ago--) {
    const time = began - ago * day - (ago === 0 ? 0.7 * hour : 0)
    const working = macs.filter(({ user }) => user !== 'bob' || ago >= stopped)
    const ends: (() => Promise<void>)[] = []
    for (const mac of working) ends.push(await mac.begin(time - hour))
    await lookAt(stack, reporter, time - hour)
    for (const mac of working) await mac.complete(time - 60_000)
    await lookAt(stack, reporter, time)
    for (const end of ends) await end()
    await lookAt(stack, reporter, time + hour / 2)
    console.error(`${Math.round((Date.now() - began) / 1000)} s: ${ago} days to go`)
  }
  await docker(['rm', '-f', reporter])
  await compose(stack.dir, ['restart', 'monitor-scanner'])
  await compose(stack.dir, ['start', 'monitor'])
  const { origin, close } = await relayTo(join(stack.dir, 'state/page/operator.sock'))
  await waitFor('a report of now', async () => {
    const answer = await fetch(`${origin}/api/v1/overview`)
    return answer.ok && Date.parse(((await answer.json()) as { at: string }).at) > began
  })

  for (const args of [
    ['verify', 'alice', '--all'],
    ['monitor', 'show'],
    ['status'],
    ['snapshots', 'list'],
    ['monitor', 'test-alert'],
    ['doctor'],
  ]) {
    const ran = await stack.tmgen(args)
    console.log(`$ tmgen ${args.join(' ')}\n${ran.stdout}${ran.stderr}(exit ${ran.code})\n`)
  }
  console.log(`alerts:\n${await told.must(['sh', '-c', 'cat /tmp/alerts'])}`)
  console.log(await macs[0]!.restore())

  const browser = await startBrowser()
  for (const [name, path, screen, colorScheme] of pictures) {
    const size =
      screen === 'desk' ? { viewport: { width: 900, height: 600 } } : { ...screens.phone, deviceScaleFactor: 1 }
    const context = await browser.newContext({ ...size, colorScheme })
    const page = await context.newPage()
    await page.goto(`${origin}${path}`)
    await shoot(page, join(images, `page-${name}.png`), highest)
    await context.close()
  }
  await browser.close()
  await close()
} finally {
  await cleanUp()
}
