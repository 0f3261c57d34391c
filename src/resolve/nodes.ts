import type { DeployedNode, DeployedUser, Deployment, Lock, LockedNode } from './types.ts'

// Owner of that node too: no user's id is like it.
export { dashboardName } from '../config/rules.ts'

/** All nodes: one a user, in the order of tmgen.yaml, and the dashboard's. */
export function nodesOf({ users, dashboard }: Pick<Deployment, 'users' | 'dashboard'>): DeployedNode[] {
  return dashboard === undefined ? [...users] : [...users, dashboard]
}

/** The users that are served, in the order of tmgen.yaml. */
export const servedUsers = ({ users }: Pick<Deployment, 'users'>): DeployedUser[] =>
  users.filter((user) => user.enabled)

/** The nodes that are served: of those users, and the dashboard's. */
export const servedNodes = (deployment: Pick<Deployment, 'users' | 'dashboard'>): DeployedNode[] =>
  nodesOf(deployment).filter((node) => node.enabled)

/** What a person types for a node that needs a key: one that somebody else made is handed over. */
export function keyCommand(name: string, { control }: Pick<Deployment, 'control'>): string {
  return `tmgen provision ${name}${control.provider === 'manual' ? ' --auth-key-file FILE' : ''}`
}

/** The name of a node in the gateway. */
export function nodeName({ users }: Lock, { owner }: LockedNode): string {
  return users[owner]?.name ?? owner
}
