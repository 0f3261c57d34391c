// What lab tests, the demo and the benchmarks use.
export { askGateway, askPage, metricsOf } from './ask.ts'
export { makeCertificate } from './certificate.ts'
export { cleanUp, onCleanup } from './cleanup.ts'
export { type Client, type ClientOptions, type Login, startClient } from './client.ts'
export { compose, composeDown, composeExec, composeRemove, composeUp, gatewayStatus, serviceId } from './compose.ts'
export { type Container, startContainer } from './container.ts'
export { type LoopDisk, loopDisk } from './disk.ts'
export { baseImages, docker, labCache, type Ran, run, uniqueName } from './docker.ts'
export { type EmbeddedStack, freePort, startEmbeddedStack } from './embedded.ts'
export { type Copy, copiesDuring, inNetworkOf, killService, startCopy, startLoad } from './faults.ts'
export { type Headscale, type HeadscaleNode, startHeadscale } from './headscale.ts'
export {
  copyWhole,
  endTrouble,
  life,
  linesSince,
  type Memory,
  memory,
  type Seen,
  type Trouble,
  trouble,
} from './hostile.ts'
export { diskMounts, hostConnects, mountsOf, sharesIp } from './inside.ts'
export { freshLan, freshNetwork, type Network, onHostNetwork } from './lan.ts'
export { packagedTmgen } from './package.ts'
export { startReceiver } from './receiver.ts'
export { addressOf, startSamba } from './samba.ts'
export { seconds } from './soak.ts'
export { type BundleOptions, backUpBundle, makeSparsebundle } from './sparsebundle.ts'
export { type Stack, type StackOptions, startStack } from './stack.ts'
export { type Outcome, type Results, readResults, runSuite, type Suite, writeAuth } from './torture.ts'
export { startTwoUsers, type TwoUsers, type TwoUsersOptions } from './two-users.ts'
export { type WaitOptions, waitFor } from './wait.ts'
export { startWorkload, type Workload, type WorkloadEvent, type WorkloadTotals } from './workload.ts'
export { type GatewayStatus, gatewayChoices, makeWorkspace, type NodeStatus, type Workspace } from './workspace.ts'
