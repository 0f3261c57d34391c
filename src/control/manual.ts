import { TmgenError } from '../errors.ts'
import { allFeatures, type Provider } from './types.ts'

/** Keys are pasted in by the person: nothing remote is read, and nothing can be made. */
export function manualProvider(): Provider {
  const refuse = async (): Promise<never> => {
    throw new TmgenError('control-refused', 'with provider manual, tmgen makes no keys, users or policies', {
      hint: 'make the auth key yourself and give it with --auth-key-file FILE',
    })
  }
  return {
    check: async () => ({ server: 'none (provider manual)', version: undefined }),
    listKeys: async () => [],
    listNodes: async () => [],
    readPolicy: async () => undefined,
    listUsers: async () => undefined,
    policyFeatures: async () => allFeatures,
    checkPolicy: refuse,
    writePolicy: refuse,
    createUser: refuse,
    mintNodeKey: refuse,
    mintJoinKey: refuse,
    expireKey: refuse,
    deleteNode: refuse,
    renameNode: refuse,
    tagNode: refuse,
  }
}
