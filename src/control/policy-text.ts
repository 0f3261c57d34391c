import { getNodeValue, type Node, type ParseError, parseTree } from 'jsonc-parser'
import { isOtherProtocol } from './ports.ts'
import { allFeatures, type PolicyFeatures } from './types.ts'

/** One rule of `acls` or `grants`, brought to one shape. */
export interface PolicyRule {
  text: string
  /** From 1. */
  line: number
  /** false: the rule has a shape that tmgen does not know. */
  understood: boolean
  src: string[]
  targets: { host: string; ports: string }[]
}

export interface PolicyText {
  /** The whole document as plain values. */
  root: Record<string, unknown>
  /** Whether it has a rule section at all: without one, everything is allowed. */
  hasRules: boolean
  rules: PolicyRule[]
  /** Rules of `ssh`, brought to the same shape. */
  ssh: PolicyRule[]
}

/** Longest text of a rule to show. */
const maxText = 300

/** HuJSON (comments, trailing commas) as a tree; undefined where it is no object or does not parse. */
export function parseHuJson(text: string): Node | undefined {
  // Servers end a line comment at \n alone, jsonc-parser at \r too: the two would read different policies.
  if (/\r(?!\n)/.test(text)) return undefined
  const errors: ParseError[] = []
  const tree = parseTree(text, errors, { allowTrailingComma: true })
  return tree?.type === 'object' && errors.length === 0 ? tree : undefined
}

/**
 * Reads a policy; undefined where it is no HuJSON object.
 * @param features what the server makes of it: one that knows no grants leaves them out
 */
export function parsePolicy(text: string, { grants }: PolicyFeatures = allFeatures): PolicyText | undefined {
  const tree = parseHuJson(text)
  if (tree === undefined) return undefined
  const sectionsOf = (wanted: (name: string) => boolean) =>
    (tree.children ?? []).flatMap((property) => {
      const [key, value] = property.children ?? []
      // Servers read keys without regard to case; null counts as absent.
      const name = String(key?.value).toLowerCase()
      return value !== undefined && value.type !== 'null' && wanted(name) ? [{ name, value }] : []
    })
  const sections = sectionsOf((name) => name === 'acls' || (grants && name === 'grants'))
  const rules = sections.flatMap(({ name, value }) => {
    const nodes = value.type === 'array' ? (value.children ?? []) : [value]
    return nodes.map((node) => readRule(node, name === 'acls', text))
  })
  const ssh = sectionsOf((name) => name === 'ssh').flatMap(({ value }) => {
    return (value.type === 'array' ? (value.children ?? []) : [value]).map((node) => readSsh(node, text))
  })
  return { root: getNodeValue(tree) as Record<string, unknown>, hasRules: sections.length > 0, rules, ssh }
}

/** An ssh rule as a rule for port 22. */
function readSsh(node: Node, document: string): PolicyRule {
  const rule = readRule(node, false, document)
  const value: unknown = getNodeValue(node)
  const fields = Object.entries(typeof value === 'object' && value !== null ? value : {})
  const of = (name: string) => strings(fields.find(([key]) => key.toLowerCase() === name)?.[1])
  const [src, dst] = [of('src'), of('dst')]
  if (src === undefined || dst === undefined) return { ...rule, understood: false }
  return { ...rule, understood: true, src, targets: dst.map((host) => ({ host, ports: 'tcp:22' })) }
}

function readRule(node: Node, isAcl: boolean, document: string): PolicyRule {
  const value: unknown = getNodeValue(node)
  const shown = JSON.stringify(value)
  const rule = {
    text: shown.length > maxText ? `${shown.slice(0, maxText)}…` : shown,
    line: document.slice(0, node.offset).split('\n').length,
  }
  const unclear = { ...rule, understood: false, src: [], targets: [] }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return unclear
  const fields = new Map<string, unknown>()
  for (const [key, item] of Object.entries(value)) {
    // A key twice in different case: which one counts is the server's choice.
    if (fields.has(key.toLowerCase())) return unclear
    fields.set(key.toLowerCase(), item)
  }
  const src = strings(fields.get('src') ?? fields.get('users'))
  const dst = strings(fields.get('dst') ?? fields.get('ports'))
  if (src === undefined || dst === undefined) return unclear
  const targets = isAcl ? aclTargets(fields, dst) : grantTargets(fields, dst)
  return targets === undefined ? unclear : { ...rule, understood: true, src, targets }
}

function aclTargets(fields: Map<string, unknown>, dst: string[]): PolicyRule['targets'] | undefined {
  const protocol = fields.get('proto')
  if (fields.get('action') !== 'accept') return undefined
  if (typeof protocol === 'string' && isOtherProtocol(protocol)) return []
  return dst.map((text) => {
    const match = /^(.+):([\d,\-*\s]+)$/.exec(text)
    return { host: match?.[1] ?? text, ports: match?.[2] ?? '*' }
  })
}

/** A grant with `app` alone gives capabilities and opens no port. */
function grantTargets(fields: Map<string, unknown>, dst: string[]): PolicyRule['targets'] | undefined {
  if (fields.get('ip') === undefined && fields.get('app') !== undefined) return []
  const ip = strings(fields.get('ip'))
  return ip?.flatMap((ports) => dst.map((host) => ({ host, ports })))
}

function strings(value: unknown): string[] | undefined {
  const list: unknown[] | undefined = typeof value === 'string' ? [value] : Array.isArray(value) ? value : undefined
  return list?.every((item) => typeof item === 'string') ? list.map((item) => item.trim()) : undefined
}
