export { dueFile, type Look, lookFile, lookSchema, maxLookBytes } from './look.ts'
export { type GatewayNode, nodeLookOf, seenNode } from './node.ts'
export {
  type BundleSeen,
  type HostLook,
  hostLookSchema,
  type MacLook,
  macLookSchema,
  type NodeLook,
  nodeLookSchema,
  type SambaSeen,
  type ShareSeen,
  shareSchema,
} from './schema.ts'
export { countedOf, knownOf, seenOf } from './seen.ts'
