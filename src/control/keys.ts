import type { KeyInfo } from './types.ts'

/** Marks a key as ours: workspace id (16 hex digits) and user id; Tailscale allows 50 characters of [A-Za-z0-9 -]. */
export function keyDescription(workspaceId: string, userId: string): string {
  return `tmgen ${workspaceId} ${userId}`
}

export interface KeyOwner {
  workspaceId: string
  users: readonly { id: string; tag: string }[]
  /** Ids that state/control.json holds. */
  known: ReadonlySet<string>
}

/**
 * Keys that tmgen minted for these users, that are still usable at `now` and that control.json does not know: what a kill
 * between minting and recording leaves behind. A key is ours when it is single-use, has exactly one user's tag, and
 * its description (where the system keeps one; Headscale does not) names this workspace and that user.
 */
export function ownKeys(keys: readonly KeyInfo[], owner: KeyOwner, now: Date): KeyInfo[] {
  return keys.filter((key) => {
    if (key.used || key.reusable || owner.known.has(key.id)) return false
    if (key.expires !== undefined && key.expires <= now) return false
    const user = owner.users.find((candidate) => key.tags.length === 1 && key.tags[0] === candidate.tag)
    if (user === undefined) return false
    return key.description === undefined || key.description === keyDescription(owner.workspaceId, user.id)
  })
}
