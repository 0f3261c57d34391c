import { dashboardName } from '../resolve/nodes.ts'
import { pagePort } from '../resolve/ports.ts'
import type { DeployedNode } from '../resolve/types.ts'

/** A page that a node serves: at its http port, from a socket of the monitor. */
export interface NodePage {
  node: string
  /** Path in state/page. */
  socket: string
}

/** Where the gateway finds state/page; its own check of sockets knows the same place (gateway/upstream.go). */
export const pageMount = '/run/tmgen-page'

/** Whether a node serves a page. */
export const isPaged = ({ ports }: Pick<DeployedNode, 'ports'>) => ports.includes(pagePort)

/** Who may open one is its node's list in the gateway: no header says who asks. */
export const nodePages = (nodes: readonly DeployedNode[]): NodePage[] =>
  nodes.filter(isPaged).map(({ id, name }) => {
    return { node: name, socket: id === dashboardName ? 'operator.sock' : `people/${name}.sock` }
  })
