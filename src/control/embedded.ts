import { z } from 'zod'
import { TmgenError } from '../errors.ts'
import type { Secret } from '../secret.ts'
import type { Docker } from '../world.ts'
import { oneLine } from './answer.ts'
import { checkVersion } from './headscale-features.ts'
import {
  bareName,
  camelKeys,
  findUser,
  keyInfo,
  keySchema,
  keysSchema,
  loginNames,
  mintedKey,
  nodeInfo,
  nodesSchema,
  userSchema,
  usersSchema,
} from './headscale-json.ts'
import { allFeatures, type Provider } from './types.ts'

/** A command inside the container: its own CLI waits 5 s for the server, starting the exec takes about one more. */
const timeoutMs = 30_000
/** tmgen's own policy there is written as grants. */
const embeddedFrom = 29
const noPolicy = 'acl policy not found'

/**
 * The Headscale of the compose stack, through its own command line in the container: its admin socket is on no shared
 * volume. Arguments hold no secret; a policy goes in by stdin, a new key comes out by stdout.
 */
export function embeddedProvider(docker: Docker, workspaceDir: string, baseDomain: string): Provider {
  const headscale = async (args: string[], input?: Secret | string) => {
    const result = await docker.run(['compose', 'exec', '-T', 'headscale', 'headscale', ...args], {
      cwd: workspaceDir,
      timeoutMs,
      ...(input === undefined ? {} : { input }),
    })
    if (result.exitCode !== 0) throw failure(args, result.stderr)
    return result.stdout
  }
  /** `operands` come after `--`, so that none is read as a flag. */
  const json = async <T>(args: string[], schema: z.ZodType<T>, operands: string[] = []): Promise<T> => {
    const stdout = await headscale([...args, '-o', 'json', ...(operands.length > 0 ? ['--', ...operands] : [])])
    const parsed = schema.safeParse(camelKeys(parseJson(stdout)))
    if (parsed.success) return parsed.data
    throw new TmgenError('control-refused', `Headscale gave an unexpected answer to ${command(args)}`)
  }
  const users = () => json(['users', 'list'], usersSchema)
  const mint = async (whose: string[], expirySeconds: number) =>
    mintedKey(await json(['preauthkeys', 'create', ...whose, '--expiration', `${expirySeconds}s`], keySchema))

  return {
    check: async () => {
      const { version } = await json(['version'], z.object({ version: z.string() }))
      await users()
      return { server: 'embedded Headscale', version: checkVersion(version, embeddedFrom) }
    },
    listUsers: async () => loginNames(await users()),
    createUser: async (name) => {
      await json(['users', 'create'], userSchema, [bareName(name)])
    },
    listKeys: async () => (await json(['preauthkeys', 'list'], keysSchema)).map(keyInfo),
    mintNodeKey: ({ tag, expirySeconds }) => mint(['--tags', tag], expirySeconds),
    mintJoinKey: async ({ user, expirySeconds }) => mint(['--user', findUser(await users(), user).id], expirySeconds),
    expireKey: async (id) => {
      await json(['preauthkeys', 'expire', '--id', id], z.unknown())
    },
    deleteNode: async (id) => {
      try {
        await headscale(['nodes', 'delete', '--identifier', id, '--force', '-o', 'json'])
      } catch (error) {
        if (!(error instanceof TmgenError && /node not found/i.test(error.message))) throw error
      }
    },
    renameNode: async (id, name) => {
      await headscale(['nodes', 'rename', '--identifier', id, '-o', 'json', '--', name])
    },
    tagNode: async (id, tags) => {
      await headscale(['nodes', 'tag', '--identifier', id, '--tags', tags.join(','), '-o', 'json'])
    },
    listNodes: async () => (await json(['nodes', 'list'], nodesSchema)).map((node) => nodeInfo(node, baseDomain)),
    readPolicy: async () => {
      try {
        const text = await headscale(['policy', 'get'])
        return text.trim() === '' ? undefined : { text, etag: undefined }
      } catch (error) {
        if (error instanceof TmgenError && error.message.includes(noPolicy)) return undefined
        throw error
      }
    },
    policyFeatures: async () => allFeatures,
    // Setting it judges it too, and keeps the former one where it is refused.
    checkPolicy: async () => undefined,
    writePolicy: async ({ text }) => {
      await headscale(['policy', 'set', '--file', '/dev/stdin', '-o', 'json'], text)
    },
  }
}

/** What a message may show of a command: its first two words. */
function command(args: string[]): string {
  return `headscale ${args.slice(0, 2).join(' ')}`
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Headscale prints `{"error": "…"}` (with -o json) or `Error: …` on stderr; anything else comes from docker or compose. */
function failure(args: string[], stderr: string): TmgenError {
  const start = stderr.indexOf('{')
  const parsed = z.object({ error: z.string() }).safeParse(start < 0 ? undefined : parseJson(stderr.slice(start)))
  const plain = /^Error: (.+)$/m.exec(stderr)?.[1]
  const message = parsed.success ? parsed.data.error : plain
  if (message === undefined || /connecting to headscale|socket/.test(message)) {
    return new TmgenError(
      'control-unreachable',
      `the embedded Headscale does not answer: ${oneLine(message ?? stderr)}`,
      {
        hint: 'start it with `docker compose up -d headscale`, and look at `docker compose logs headscale`',
      },
    )
  }
  return new TmgenError(
    'control-refused',
    `${command(args)} failed: ${oneLine(message.replace(/rpc error: code = \w+ desc = /, ''))}`,
  )
}
