export type { ScanRequest } from './request.ts'
export { type ScanLimits, scanLimits, scanShare } from './run.ts'
export type { Stamp } from './stamp.ts'
export { ShareWatcher, type WatchedShare } from './watcher.ts'
