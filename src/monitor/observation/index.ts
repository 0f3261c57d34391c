export { dueFile, type Look, lookFile, lookSchema, maxLookBytes } from './look.ts'
export { type GatewayNode, nodeLookOf, seenNode } from './node.ts'
export {
  type BundleSeen,
  type HostLook,
  type MacLook,
  type NodeLook,
  nodeLookSchema,
  type SambaSeen,
  type ShareSeen,
  shareSchema,
} from './schema.ts'
export { knownOf } from './seen.ts'
