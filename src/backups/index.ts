export type { Bundle } from './bundle.ts'
export { lookAtShare, type ShareLook } from './share.ts'
