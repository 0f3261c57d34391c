import {
  type Check,
  type Diagnosis,
  checks as everyCheck,
  examine,
  Patient,
  type Repair,
  type Verdict,
} from '../doctor/index.ts'
import { TmgenError } from '../errors.ts'
import { table } from '../ui/output.ts'
import { printable } from '../ui/printable.ts'
import { saysYes } from '../ui/prompts.ts'
import { exitCodes } from '../ui/report.ts'
import type { Context } from './context.ts'

export interface DoctorOptions {
  fix?: boolean
  yes?: boolean
  json?: boolean
}

/** What `--fix` can do about a check. */
interface Remedy {
  check: Check
  repair: Repair
}

/**
 * `tmgen doctor`: a verdict a check on stdout, what to do below those that are not well. Writes nothing; with --fix it
 * shows what it can put right, asks about each, does it, and examines again.
 */
export async function doctor(context: Context, options: DoctorOptions): Promise<number | undefined> {
  const first = await examineAll(context, everyCheck)
  const remedies = options.fix ? await remediesOf(first) : []
  const done: Remedy[] = []
  let { diagnoses } = first
  if (options.fix && !options.json) tell(context, diagnoses)
  if (remedies.length > 0) {
    if (!options.json) for (const { repair } of remedies) context.ui.say(`can be repaired: ${printable(repair.title)}`)
    done.push(...(await agreed(context, remedies, options)))
    await doAll(context, first.patient, done)
    diagnoses = await again(context, diagnoses, done)
  }
  if (options.json) tellJson(context, diagnoses, options.fix ? { remedies, done } : undefined)
  else {
    for (const { repair } of done) context.ui.done(printable(repair.title))
    if (options.fix && remedies.length === 0) context.ui.say('nothing that --fix could repair')
    if (!options.fix || done.length > 0) tell(context, diagnoses)
  }
  return count(diagnoses, 'fail') > 0 ? exitCodes.failed : undefined
}

async function examineAll(context: Context, checks: readonly Check[]) {
  const patient = new Patient(await context.world(), context.dir)
  const diagnoses = await context.ui.progress('examining', (show) =>
    examine(patient, checks, (check) => show(`examining: ${check.name}`)),
  )
  return { patient, diagnoses }
}

const count = (all: readonly Diagnosis[], verdict: Verdict) => all.filter((one) => one.verdict === verdict).length
const isIll = (verdict: Verdict) => verdict === 'warn' || verdict === 'fail'

async function remediesOf({ patient, diagnoses }: { patient: Patient; diagnoses: Diagnosis[] }): Promise<Remedy[]> {
  const found: Remedy[] = []
  for (const { check, verdict } of diagnoses)
    if (isIll(verdict)) for (const repair of (await check.repair?.(patient)) ?? []) found.push({ check, repair })
  return found
}

/** Those that the person agrees to, one by one. */
async function agreed(context: Context, remedies: readonly Remedy[], { yes }: DoctorOptions): Promise<Remedy[]> {
  if (yes) return [...remedies]
  const prompts = await context.prompts()
  if (prompts === undefined)
    throw new TmgenError('usage', '--yes is missing: --fix changes what is shown above', {
      hint: 'look at it, then: tmgen doctor --fix --yes',
    })
  const done: Remedy[] = []
  for (const remedy of remedies) {
    if (await saysYes(prompts, `${printable(remedy.repair.title)}?`)) done.push(remedy)
  }
  return done
}

async function doAll(context: Context, patient: Patient, remedies: readonly Remedy[]): Promise<void> {
  if (remedies.length === 0) return
  const { doRepairs } = await import('../converge/index.ts')
  const { dir, lock } = await patient.inspection()
  const repairs = remedies.map(({ repair }) => repair)
  await doRepairs(await context.world(), dir, lock.workspace, repairs)
}

/** The diagnoses with those anew that something was repaired for. */
async function again(context: Context, before: Diagnosis[], done: readonly Remedy[]): Promise<Diagnosis[]> {
  const repaired = new Set(done.map(({ check }) => check))
  if (repaired.size === 0) return before
  const { diagnoses } = await examineAll(context, [...repaired])
  return before.map((one) => diagnoses.find(({ check }) => check === one.check) ?? one)
}

function tell({ ui }: Context, diagnoses: readonly Diagnosis[]): void {
  ui.data(table(['VERDICT', 'CHECK', 'FOUND'], diagnoses.flatMap(lines)))
  const [ok, warn, fail, skipped] = (['ok', 'warn', 'fail', 'skipped'] as const).map((one) => count(diagnoses, one))
  ui.say(`${ok} ok, ${warn} ${warn === 1 ? 'warning' : 'warnings'}, ${fail} failed, ${skipped} could not be looked at`)
}

function tellJson({ ui }: Context, diagnoses: readonly Diagnosis[], fix?: { remedies: Remedy[]; done: Remedy[] }) {
  const checks = diagnoses.map(({ check, verdict, says }) => ({
    name: check.name,
    verdict,
    says,
    ...(isIll(verdict) ? { remedy: check.remedy } : {}),
  }))
  const repairs = fix?.remedies.map((one) => ({
    check: one.check.name,
    title: one.repair.title,
    done: fix.done.includes(one),
  }))
  ui.json({
    checks,
    ...(repairs === undefined ? {} : { repairs }),
    failed: count(diagnoses, 'fail'),
    warnings: count(diagnoses, 'warn'),
    skipped: count(diagnoses, 'skipped'),
  })
}

/** Lines of one check that are shown: a thousand people may have the same trouble. */
const mostLines = 5

function lines({ check, verdict, says }: Diagnosis): string[][] {
  const shown = says.slice(0, mostLines).map(printable)
  if (says.length > mostLines) shown.push(`and ${says.length - mostLines} more: --json`)
  if (isIll(verdict)) shown.push(`to do: ${check.remedy}`)
  return shown.map((text, index) => (index === 0 ? [verdict, check.name, text] : ['', '', text]))
}
