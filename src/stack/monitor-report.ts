import { join } from 'node:path'
import { TmgenError } from '../errors.ts'
import { type Report, reportSchema } from '../monitor/report/report.ts'
import type { ForeignFolder, World } from '../world.ts'

export { isBlind, isFresh, wayFault } from '../monitor/report/doubts.ts'

/** Bytes of the monitor's report: 1,000 people with all that may be wrong. */
const maxBytes = 32 * 1024 * 1024

/** What the monitor found last; `undefined`: it has not reported, or that cannot be read. */
export async function monitorReport(world: World, dir: string): Promise<Report | undefined> {
  try {
    const read = (folder: ForeignFolder) => folder.read('report.json', maxBytes)
    const bytes = await world.disk.foreign(join(dir, 'state/monitor'), read)
    if (bytes === undefined) return undefined
    return reportSchema.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8'))).data
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TmgenError) return undefined
    throw error
  }
}
