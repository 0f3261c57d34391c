import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { colours } from '../../src/monitor/page/style.ts'
import { at, missing, reportOf } from '../unit/monitor/people.ts'
import { askAxe, overhang, type Scheme, type Screen, schemes, screens, shoot, startBrowser } from './browser.ts'
import { type Served, servePage } from './served.ts'

/** Folder that pictures of everything that is looked at are put into, to look at them oneself. */
const shots = process.env.TMGEN_SHOTS
const paths = { overview: '/', person: '/users/person-001' } as const
const looks = schemes.flatMap((scheme) =>
  (Object.keys(screens) as Screen[]).flatMap((screen) =>
    (['overview', 'person'] as const).map((which) => ({ scheme, screen, which })),
  ),
)

let browser: Browser
beforeAll(async () => {
  browser = await startBrowser()
  if (shots) mkdirSync(shots, { recursive: true })
})
afterAll(() => browser?.close())

describe.each([1, 200])('the page of %i', (people) => {
  let served: Served
  beforeAll(async () => {
    served = await servePage(people)
  })
  afterAll(() => served?.close())

  test.each(
    looks,
  )('$which, $screen, $scheme: axe finds nothing, it fits, and the page’s own policy refuses nothing', async ({
    scheme,
    screen,
    which,
  }) => {
    const { context, page, said, asked } = await open(scheme, screen)
    await page.goto(`${served.origin}${paths[which]}`)
    expect(await page.evaluate('document.scripts.length')).toBe(0)
    const ground = await page.evaluate('getComputedStyle(document.body).backgroundColor')
    expect(ground).toBe(rgb(colours[scheme].ground))
    if (shots) await shoot(page, join(shots, `${people}-${which}-${screen}-${scheme}.png`))
    expect(await overhang(page)).toEqual([])

    const { violations, incomplete, passes } = await askAxe(context, page)
    expect(violations).toEqual([])
    expect(incomplete).toEqual([])
    // What it is for: it was held against something.
    expect(passes).toEqual(expect.arrayContaining(['color-contrast', 'target-size', 'landmark-one-main', 'link-name']))
    expect(said).toEqual([])
    expect(new Set(asked)).toEqual(new Set([paths[which], '/style.css'].map((path) => `${served.origin}${path}`)))
    await context.close()
  })

  test('takes no more than the width of the smallest phones (320 px), and of letters twice as large', async () => {
    for (const [width, size] of [
      [320, '100%'],
      [390, '200%'],
    ] as const) {
      const context = await browser.newContext({ ...screens.phone, viewport: { width, height: 700 } })
      const page = await context.newPage()
      for (const path of Object.values(paths)) {
        await page.goto(`${served.origin}${path}`)
        await page.evaluate(`document.documentElement.style.setProperty('font-size', '${size}')`)
        expect(await overhang(page), `${path} at ${width} px, letters of ${size}`).toEqual([])
      }
      await context.close()
    }
  })

  test('on a phone a table of problems is stacked: why, and what to do, have the whole width', async () => {
    for (const [screen, cells] of [
      ['phone', ['3 below each other', 'wide']],
      ['desk', ['3 beside each other', 'part']],
    ] as const) {
      const context = await browser.newContext(screens[screen])
      const page = await context.newPage()
      await page.goto(`${served.origin}${paths.person}`)
      expect(await page.evaluate(laidOut), screen).toEqual(cells)
      await context.close()
    }
  })

  test('without JavaScript: the answer, each person, their page, its tables and the way back', async () => {
    const context = await browser.newContext({ ...screens.phone, javaScriptEnabled: false })
    const page = await context.newPage()
    await page.goto(served.origin)
    const trouble = people === 1 ? 'The backups need attention' : '29 of 200 people need attention; 171 are well'
    expect(await page.locator('.sum').innerText()).toBe(trouble)
    expect(await page.locator('li.card').count()).toBe(people)
    expect(await page.locator('li.card').first().innerText()).toMatch(/person-001[\s\S]*missing[\s\S]*3 days ago/)
    await page.getByRole('link', { name: 'person-001', exact: true }).click()
    expect(await page.locator('h1').innerText()).toBe('person-001')
    const sizes = page.locator('figure').first()
    expect(await sizes.locator('table').isVisible()).toBe(false)
    await sizes.locator('summary').click()
    expect(await sizes.locator('table').isVisible()).toBe(true)
    await page.getByRole('link', { name: 'timemachine' }).click()
    expect(new URL(page.url()).pathname).toBe('/')
    await context.close()
  })
})

describe('the page', () => {
  let served: Served
  beforeAll(async () => {
    served = await servePage(2)
  })
  afterAll(() => served?.close())

  test('with the keyboard alone: the first stop leads past the head, and every stop is seen', async () => {
    const { context, page } = await open('light', 'desk')
    await page.goto(served.origin)
    await page.keyboard.press('Tab')
    const focus = '[document.activeElement.textContent, document.activeElement.getBoundingClientRect().left >= 0]'
    expect(await page.evaluate(focus)).toEqual(['Skip to the content', true])
    await page.keyboard.press('Enter')
    expect(new URL(page.url()).hash).toBe('#main')
    await page.keyboard.press('Tab')
    const stop = await page.evaluate(
      '[document.activeElement.textContent, getComputedStyle(document.activeElement).outline]',
    )
    expect(stop).toEqual(['person-001', expect.stringMatching(/ solid 3px$/)])
    await context.close()
  })

  test.each(
    schemes,
  )('in %s, all kinds of trouble at once and names of any length: axe finds nothing, and it fits', async (scheme) => {
    const report = reportOf(3)
    const long = 'シン・バックアップ'.repeat(12) + 'w'.repeat(120)
    const kinds = ['alarm', 'warning', 'note'] as const
    for (const [index, severity] of kinds.entries()) {
      const problem = { ...missing, severity, reason: `${missing.reason} ${long}` }
      Object.assign(report.macs[index]!, { state: 'missing', reason: problem.reason, problems: [problem] })
      report.nodes[index]!.problems = [{ ...problem, kind: 'node' }]
      report.host.push({ ...problem, kind: 'disk' })
    }
    report.disks.push({ path: `/${long}`, users: 1, people: [], totalBytes: 0, freeBytes: 0 })
    report.channels.push({ name: 'webhook', waiting: 3, lost: 1, sentAt: null, failedAt: at, error: long })
    report.notes.push(long)
    served.show(report)
    for (const screen of Object.keys(screens) as Screen[])
      for (const [which, path] of Object.entries(paths)) {
        const { context, page } = await open(scheme, screen)
        await page.goto(`${served.origin}${path}`)
        if (shots) await shoot(page, join(shots, `trouble-${which}-${screen}-${scheme}.png`))
        expect(await overhang(page), `${which}, ${screen}`).toEqual([])
        // What is scrolled out of its box is on no ground that axe could tell.
        const { violations } = await askAxe(context, page)
        expect(violations, `${which}, ${screen}`).toEqual([])
        await context.close()
      }
  })
})

/** How the cells of the first problem lie, and what of the table's width the reason has. It runs in the page. */
const laidOut = `(() => {
  const cells = [...document.querySelector('tbody tr').cells].map((cell) => cell.getBoundingClientRect())
  const isBelow = cells.every(({ left, top }, index) => index === 0 || (left === cells[0].left && top > cells[index - 1].top))
  const part = cells[1].width / document.querySelector('.stack').clientWidth
  return [cells.length + (isBelow ? ' below each other' : ' beside each other'), part > 0.95 ? 'wide' : 'part']
})()`

/** A tab of its own, with what the console says and what is asked for. */
async function open(colorScheme: Scheme, screen: Screen) {
  const context = await browser.newContext({ ...screens[screen], colorScheme })
  const page = await context.newPage()
  const said: string[] = []
  const asked: string[] = []
  page.on('console', (line) => said.push(line.text()))
  page.on('pageerror', (error) => said.push(error.message))
  page.on('request', (request) => asked.push(request.url()))
  return { context, page, said, asked }
}

function rgb(hex: string): string {
  const channels = [1, 3, 5].map((from) => Number.parseInt(hex.slice(from, from + 2), 16))
  return `rgb(${channels.join(', ')})`
}
