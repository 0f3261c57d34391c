import { pagePort } from '../resolve/ports.ts'
import type { DeployedUser, Deployment } from '../resolve/types.ts'

/** A page that a node serves: at its http port, from a socket of the monitor. */
export interface NodePage {
  node: string
  /** Path in state/page. */
  socket: string
}

/** Where the gateway finds state/page; its own check of sockets knows the same place (gateway/upstream.go). */
export const pageMount = '/run/tmgen-page'

/** Whether the person's own page is on their node. */
export const isPaged = ({ ports }: Pick<DeployedUser, 'ports'>) => ports.includes(pagePort)

export const nodePages = (users: readonly DeployedUser[]): NodePage[] =>
  users.filter(isPaged).map(({ name }) => ({ node: name, socket: `people/${name}.sock` }))

/** Whether the gateway needs the sockets at all. */
export const hasPages = ({ users }: Pick<Deployment, 'users'>): boolean =>
  users.some((user) => user.enabled && isPaged(user))
