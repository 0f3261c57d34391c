export { afresh, type Decision, decide, type Item, type Notification, type Told } from './decide.ts'
export { type Finding, type Found, findingsOf, type Overview } from './findings.ts'
export { due, emptyQueue, enqueue, failed, type Queue, type Queued, sent } from './queue.ts'
export { textOf } from './text.ts'
