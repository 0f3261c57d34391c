import type { Client } from './client.ts'
import { type Stack, type StackOptions, startStack } from './stack.ts'

export interface TwoUsersOptions extends StackOptions {
  /** More arguments of `tmgen add user alice`. */
  aliceArgs?: (stack: Stack) => Promise<string[]> | string[]
  /** The same of bob. */
  bobArgs?: (stack: Stack) => Promise<string[]> | string[]
}

export interface TwoUsers {
  stack: Stack
  alice: Client
  bob: Client
}

/**
 * Alice (share `macbook`) and Bob (share `imac`) on one gateway, each with a client of their own and, at the end, an SMB
 * session that opened: what most tests of the whole stack begin with.
 */
export async function startTwoUsers({ aliceArgs, bobArgs, ...options }: TwoUsersOptions = {}): Promise<TwoUsers> {
  const stack = await startStack(options)
  const more = (await aliceArgs?.(stack)) ?? []
  await stack.must(['add', 'user', 'alice', '--login', 'alice', '--mac', 'macbook', ...more])
  const his = (await bobArgs?.(stack)) ?? []
  await stack.must(['add', 'user', 'bob', '--login', 'bob', '--mac', 'imac', ...his])
  await stack.pastePolicy()
  await stack.up()
  const [alice, bob] = [await stack.client('alice'), await stack.client('bob')]
  await stack.running('alice', 'bob')
  await stack.session(alice, 'alice', 'macbook')
  await stack.session(bob, 'bob', 'imac')
  return { stack, alice, bob }
}
