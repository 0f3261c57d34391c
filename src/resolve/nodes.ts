import type { DeployedNode, Deployment, Lock, LockedNode } from './types.ts'

// Owner of that node too: no user's id is like it.
export { dashboardName } from '../config/rules.ts'

/** All nodes: one a user, in the order of tmgen.yaml, and the dashboard's. */
export function nodesOf({ users, dashboard }: Pick<Deployment, 'users' | 'dashboard'>): DeployedNode[] {
  return dashboard === undefined ? [...users] : [...users, dashboard]
}

/** The name of a node in the gateway. */
export function nodeName({ users }: Lock, { owner }: LockedNode): string {
  return users[owner]?.name ?? owner
}
