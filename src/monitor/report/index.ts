export { askGateway } from './gateway.ts'
export { isoOf, macJson, nodeJson, reportJson } from './json.ts'
export {
  type MacReport,
  macJsonSchema,
  macStates,
  type NodeReport,
  nodeJsonSchema,
  type Report,
  reportJsonSchema,
  reportSchema,
} from './report.ts'
export { Reporter, type ReporterWorld } from './reporter.ts'
export { type StateChange, stateChanges } from './states.ts'
export { type Tested, testAlert } from './test-alert.ts'
