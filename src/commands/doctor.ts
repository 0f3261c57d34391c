import { type Diagnosis, checks as everyCheck, examine, Patient, type Verdict } from '../doctor/index.ts'
import { table } from '../ui/output.ts'
import { printable } from '../ui/printable.ts'
import { exitCodes } from '../ui/report.ts'
import type { Context } from './context.ts'

/** `tmgen doctor`: a verdict a check on stdout, what to do below those that are not well. Writes nothing. */
export async function doctor(context: Context, { json }: { json?: boolean }): Promise<number | undefined> {
  const { ui } = context
  const patient = new Patient(await context.world(), context.dir)
  const diagnoses = await ui.progress('examining', (show) =>
    examine(patient, everyCheck, (check) => show(`examining: ${check.name}`)),
  )
  const count = (verdict: Verdict) => diagnoses.filter((one) => one.verdict === verdict).length
  if (json) {
    const checks = diagnoses.map(({ check, verdict, says }) => ({
      name: check.name,
      verdict,
      says,
      ...(isIll(verdict) ? { remedy: check.remedy } : {}),
    }))
    ui.json({ checks, failed: count('fail'), warnings: count('warn'), skipped: count('skipped') })
  } else {
    ui.data(table(['VERDICT', 'CHECK', 'FOUND'], diagnoses.flatMap(lines)))
    ui.say(
      `${count('ok')} ok, ${count('warn')} warnings, ${count('fail')} failed, ${count('skipped')} could not be looked at`,
    )
  }
  return count('fail') > 0 ? exitCodes.failed : undefined
}

const isIll = (verdict: Verdict) => verdict === 'warn' || verdict === 'fail'
/** Lines of one check that are shown: a thousand people may have the same trouble. */
const mostLines = 5

function lines({ check, verdict, says }: Diagnosis): string[][] {
  const shown = says.slice(0, mostLines).map(printable)
  if (says.length > mostLines) shown.push(`and ${says.length - mostLines} more: --json`)
  if (isIll(verdict)) shown.push(`to do: ${check.remedy}`)
  return shown.map((text, index) => (index === 0 ? [verdict, check.name, text] : ['', '', text]))
}
