export { History, type HistoryOptions, type Run } from './history.ts'
