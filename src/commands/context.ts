import { resolve } from 'node:path'
import type { Io } from '../ui/io.ts'
import { makeUi, type Ui } from '../ui/output.ts'
import { type Prompts, terminalPrompts } from '../ui/prompts.ts'
import type { World } from '../world.ts'

/** What every command gets. */
export interface Context {
  io: Io
  ui: Ui
  /** The workspace folder, absolute. */
  dir: string
  /** The world outside; made on first use, so that --help stays fast. */
  world(): Promise<World>
  /** Questions; `undefined` where nobody sits at a terminal. */
  prompts(): Promise<Prompts | undefined>
}

/** @param workspace value of --workspace, relative to the current folder */
export function makeContext(io: Io, workspace: string | undefined): Context {
  let world: Promise<World> | undefined
  return {
    io,
    ui: makeUi(io),
    dir: resolve(io.cwd, workspace ?? '.'),
    world: () => {
      world ??= io.world
        ? Promise.resolve(io.world)
        : import('../converge/index.ts').then((converge) => converge.makeWorld(io.packageDir))
      return world
    },
    prompts: async () => {
      if (io.prompts) return io.prompts
      return io.stdin.isTTY === true && io.stderr.isTTY === true ? await terminalPrompts() : undefined
    },
  }
}
