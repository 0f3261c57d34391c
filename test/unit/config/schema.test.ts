import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { configJsonSchema, configReference, type NewControl, newConfigText } from '../../../src/config/index.ts'
import { failure, parse } from './sample.ts'

const page = new URL('../../../docs/reference/config.md', import.meta.url)

describe('configJsonSchema', () => {
  const schema = JSON.parse(configJsonSchema())

  test('names itself and lets x- keys through wherever keys are checked', () => {
    expect(schema.$id).toBe('urn:tmgen:config:1')
    const open: string[] = []
    const visit = (part: unknown, path: string): void => {
      if (typeof part !== 'object' || part === null) return
      const object = part as Record<string, unknown>
      if (object.additionalProperties === false && !(object.patternProperties as object | undefined)) open.push(path)
      for (const [key, value] of Object.entries(object)) visit(value, `${path}/${key}`)
    }
    visit(schema, '')
    expect(open).toEqual([])
  })

  test('asks only for what a person must write', () => {
    expect(schema.required).toEqual(['version', 'workspace', 'control', 'storage', 'network'])
    expect(schema.properties.users.items.required).toEqual(['name', 'macs'])
  })

  test('describes every key', () => {
    const bare: string[] = []
    const visit = (part: { properties?: object; oneOf?: object[]; items?: object }, path: string): void => {
      for (const [key, value] of Object.entries(part.properties ?? {})) {
        if (!value.description && !value.items?.description) bare.push(`${path}.${key}`)
        visit(value, `${path}.${key}`)
      }
      for (const option of part.oneOf ?? []) visit(option, path)
      if (part.items) visit(part.items, `${path}[]`)
    }
    visit(schema, '')
    expect(bare).toEqual([])
  })
})

test('docs/reference/config.md is what the schema says (UPDATE=1 writes it)', () => {
  if (process.env.UPDATE === '1') {
    mkdirSync(new URL('.', page), { recursive: true })
    writeFileSync(page, configReference())
  }
  expect(readFileSync(page, 'utf8')).toBe(configReference())
})

describe('newConfigText', () => {
  const controls: NewControl[] = [
    { provider: 'tailscale' },
    { provider: 'tailscale', tailnet: '-', api: 'http://127.0.0.1:9999', keyExpiry: '3d' },
    { provider: 'headscale', url: 'https://headscale.example.com' },
    { provider: 'embedded', url: 'https://hs.example.com', tls: { mode: 'acme', email: 'a@example.com' } },
    { provider: 'embedded', url: 'http://192.168.1.5:8080' },
    {
      provider: 'embedded',
      url: 'https://hs.example.com',
      tls: { mode: 'acme', email: 'a@example.com' },
      oidc: {
        issuer: 'https://id.example.com/x',
        clientId: 'tmgen',
        secretFile: '/etc/tmgen/oidc',
        allowedUsers: ['a@b.c'],
      },
    },
    { provider: 'manual', url: 'https://control.example.com' },
  ]
  test.each(controls)('for $provider reads back as what was asked for', (control) => {
    const text = newConfigText({ workspace: 'home', control, storageRoot: '/srv/time machine', subnet: '10.3.4.0/22' })
    const { config } = parse(text)
    expect(config.control).toMatchObject(control)
    expect(config).toMatchObject({ workspace: 'home', storage: { root: '/srv/time machine' }, users: [] })
    expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=generated/tmgen.schema.json')
    expect(parseYaml(text).network).toEqual({ subnet: '10.3.4.0/22' })
  })

  test('refuses options that make no valid config', () => {
    const options = {
      workspace: 'Home',
      control: { provider: 'manual' } as const,
      storageRoot: 'srv',
      subnet: '8.8.8.0/22',
    }
    expect(failure(() => newConfigText(options)).split('\n')[0]).toBe('config-invalid,config-invalid,config-invalid')
  })
})
