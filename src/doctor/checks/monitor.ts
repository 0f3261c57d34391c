import { missingAlertFiles } from '../../converge/index.ts'
import { count } from '../../count.ts'
import { span } from '../../monitor/rules/problems.ts'
import { isBlind, isFresh, monitorReport, wayFault } from '../../stack/monitor-report.ts'
import { serviceText } from '../../stack/services.ts'
import { printable } from '../../ui/printable.ts'
import { type Check, worst } from '../types.ts'

const services = ['monitor-scanner', 'monitor'] as const

const monitor: Check = {
  name: 'monitor',
  looks: 'whether the monitor runs, when it last looked at the shares, and whether its alerts are delivered.',
  cause: 'nobody is told of a backup that stops.',
  remedy:
    '`docker compose up -d`; then `docker compose logs monitor monitor-scanner` says what is wrong, `tmgen monitor test-alert` tries the alerts, and docs/how-to/alerts.md has how to switch them on',
  test: async (patient) => {
    await patient.served()
    const found = await patient.services()
    const { dir, deployment } = await patient.inspection()
    const [fails, warnings]: [string[], string[]] = [[], []]
    const texts = services.map((name) => [name, serviceText(found.get(name))] as const)
    for (const [name, text] of texts)
      if (!['healthy', 'running', 'starting'].includes(text)) fails.push(`${name} is ${text}`)
    // What it has not done yet is no fault while it starts.
    const missing = texts.some(([, text]) => text === 'starting') ? warnings : fails
    const report = await monitorReport(patient.world, dir)
    if (report === undefined) {
      missing.push('it has not reported yet, or its report cannot be read')
      return worst(fails, warnings, '')
    }
    const now = patient.world.now().getTime()
    if (!isFresh(report, now)) {
      // What it said then of looks and alerts may have changed.
      return worst([...fails, `it last reported ${span(now - report.at)} ago`], [], '')
    }
    const { lookedAt, channels } = report
    if (lookedAt === null) missing.push('it has never looked at the shares')
    else if (isBlind(report, now)) fails.push(`it last looked at the shares ${span(now - lookedAt)} ago`)
    warnings.push(...report.notes.map(printable))
    warnings.push(...channels.flatMap((way) => wayFault(way) ?? []).map(printable))
    for (const file of await missingAlertFiles(patient.world, dir, deployment))
      warnings.push(`${file} is not there: nobody is told that way`)
    if (channels.length === 0) warnings.push('alerts are off: nobody is told of a backup that stops')
    const telling = `${count(channels.length, 'way')} to tell, none fails`
    return worst(fails, warnings, `looked ${span(now - (lookedAt ?? now))} ago; ${telling}`)
  },
}

export const monitorChecks = [monitor]
