import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { artefacts } from '../../../src/render/artefacts.ts'
import { deployment, inputs, user } from './fixture.ts'

const MiB = 1024 ** 2

describe("the gateway's limits of memory", () => {
  it('the hard one is always half as much again as the soft one, and no less than what one bad peer can use up', () => {
    const soft = fc.integer({ min: 64, max: 256 * 1024 }).map((mib) => mib * MiB)
    const users = fc.integer({ min: 0, max: 1000 })
    const blocks = fc.integer({ min: 1, max: 32 })
    const check = (gatewayMemory: number, count: number, udpBlocks: number) => {
      const base = deployment([user(1, 'alice')].slice(0, count), { gatewayMemory })
      const from = base.network.udp.from
      const network = { ...base.network, udp: { from, to: from + 32 * Math.max(udpBlocks, Math.ceil(count / 32)) - 1 } }
      const text = String(artefacts({ ...base, network }, inputs).get('generated/docker-compose.yml')!.content)
      const found = /^\$\{TMGEN_GATEWAY_MEMORY:-(\d+)m\}$/.exec(
        parse(text, { version: '1.1' }).services.gateway.mem_limit,
      )
      const hard = Number(found?.[1]) * MiB
      expect(hard).toBeGreaterThanOrEqual(1.5 * gatewayMemory)
      expect(hard).toBeGreaterThanOrEqual(1024 * MiB)
    }
    fc.assert(fc.property(soft, users, blocks, check), { numRuns: 300 })
  })
})
