export { type Around, advance } from './advance.ts'
export { judge, lookedAt, type MacState } from './judge.ts'
export { isDue, type Kept, toLetGo } from './keep.ts'
export { type MacMemory, macMemorySchema } from './memory.ts'
export {
  advanceHost,
  advanceNode,
  type HostMemory,
  judgeDashboard,
  judgeHost,
  judgeNode,
  type NodeMemory,
} from './node.ts'
export { type HostPolicy, hostPolicyOf, type Policy, policyOf, verifyOf } from './policy.ts'
export {
  type Problem,
  type ProblemKind,
  problemKinds,
  type Severity,
  severities,
  sortProblems,
  span,
} from './problems.ts'
export { advanceVerified, judgeVerified, type Verified, verifiedSchema } from './verified.ts'
