import type { Observed, Step } from './types.ts'

/** What a removed user left is deleted, folder by folder. */
export const planPurge = ({ purge }: Observed): Step[] =>
  (purge?.found ?? []).map(({ userId, path, isInPlace }) => ({
    kind: 'purge-storage',
    user: purge?.user ?? '',
    userId,
    path,
    isInPlace,
    title: `delete ${path}`,
  }))
