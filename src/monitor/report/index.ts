export { askGateway } from './gateway.ts'
export { type MacReport, type Report, reportSchema } from './report.ts'
export { Reporter, type ReporterWorld } from './reporter.ts'
export { type Tested, testAlert } from './test-alert.ts'
