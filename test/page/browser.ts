import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'

/** Screens that the page is looked at on. */
export const screens = {
  desk: { viewport: { width: 1280, height: 900 } },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
} as const
export type Screen = keyof typeof screens
export const schemes = ['light', 'dark'] as const
export type Scheme = (typeof schemes)[number]

/** A Chromium that looks for nothing outside of this machine. */
export async function startBrowser(): Promise<Browser> {
  const executablePath = execFileSync(join(import.meta.dirname, 'setup'), { encoding: 'utf8' }).trim()
  const args = [
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-domain-reliability',
    '--disable-sync',
    '--no-first-run',
    '--no-pings',
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
  ]
  // Chromium's sandbox refuses to run as root; what is opened here is our own page alone.
  if (process.getuid?.() === 0) args.push('--no-sandbox')
  return chromium.launch({ executablePath, args })
}

/** What axe has to say of a page, shortened to what one needs to find it. */
export interface Findings {
  /** `rule: where: why`. */
  violations: string[]
  /** What axe cannot tell, the same way. */
  incomplete: string[]
  /** Rules that were held against something and passed. */
  passes: string[]
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
/** WCAG 2.2 A and AA, and what axe's makers recommend besides. */
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
const look = `axe.run({ runOnly: { type: 'tag', values: ${JSON.stringify(tags)} }, rules: { 'target-size': { enabled: true } } })
  .then(({ violations, incomplete, passes }) => {
    const lines = (found) => found.flatMap(({ id, nodes }) =>
      nodes.map(({ html, any, all, none }) => id + ': ' + html.slice(0, 160) + ': ' + [...any, ...all, ...none].map(({ message }) => message).join('; ')))
    return { violations: lines(violations), incomplete: lines(incomplete), passes: passes.map(({ id }) => id) }
  })`

/** Runs axe in a page. It comes in by the devtools protocol: the page's own policy, which runs no script, stays as it is. */
export async function askAxe(context: BrowserContext, page: Page): Promise<Findings> {
  const devtools = await context.newCDPSession(page)
  await devtools.send('Runtime.evaluate', { expression: `${axe};undefined` })
  const { result, exceptionDetails } = await devtools.send('Runtime.evaluate', {
    expression: look,
    awaitPromise: true,
    returnByValue: true,
  })
  await devtools.detach()
  if (exceptionDetails) throw new Error(`axe: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`)
  return result.value as Findings
}

// These run in the page, whose types are not those of the rest of the project: they are text.
const outside = `(() => {
  const { clientWidth: width, scrollWidth } = document.documentElement
  const whole = scrollWidth > width ? ['the page: ' + scrollWidth] : []
  const out = [...document.querySelectorAll('body *')].filter(
    (one) => !one.closest('.scroll *, svg') && one.getBoundingClientRect().right > width + 0.5)
  return [...whole, ...out.slice(0, 5).map((one) => one.tagName + ' ' + one.textContent.slice(0, 60))]
})()`
const size = '[document.documentElement.clientWidth, document.documentElement.scrollHeight]'

/** What stands out to the right of the screen, but for what can be scrolled by itself. */
export const overhang = (page: Page) => page.evaluate<string[]>(outside)

/** A picture of the page, or of so many of its pixels from above where it is longer. */
export async function shoot(page: Page, path: string, most = 2500): Promise<void> {
  const [width, height] = await page.evaluate<[number, number]>(size)
  await page.screenshot({ path, fullPage: true, clip: { x: 0, y: 0, width, height: Math.min(height, most) } })
}
