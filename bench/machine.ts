import { readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { docker } from '../test/lab/support/index.ts'
import { table } from './table.ts'

/** Table of what the figures came from: hardware, kernel, versions. */
export async function machine(): Promise<string> {
  const all = cpus()
  const rows = [
    ['CPU', `${all[0]?.model.trim() || 'unknown model'}, ${all.length} cores`],
    ['Memory', `${(totalmem() / 1024 ** 3).toFixed(0)} GiB`],
    ['Kernel', `Linux ${release()}`],
    ['Node', process.version],
    ['Docker', await docker(['version', '--format', '{{.Server.Version}}'])],
    ['tailscaled', (await inClient('tailscaled', '--version')).replace(/-ERR-.*/, '')],
    ['tailscale.com in the gateway', moduleVersion('tailscale.com')],
    ['smbclient', (await inClient('smbclient', '--version')).replace('Version ', '')],
  ]
  return table(['What', 'Is'], rows)
}

/** The time of day, to the minute. */
export function now(): string {
  return `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** 1, 5 and 15 minute load, as uptime shows it. */
export function load(): string {
  return loadavg()
    .map((one) => one.toFixed(2))
    .join(' ')
}

/** First line that a program of the client image prints. */
async function inClient(program: string, flag: string): Promise<string> {
  const printed = await docker(['run', '--rm', '--network', 'none', '--entrypoint', program, 'tmgen-lab/client', flag])
  return printed.split('\n')[0]?.trim() ?? ''
}

function moduleVersion(module: string): string {
  const text = readFileSync(new URL('../gateway/go.mod', import.meta.url), 'utf8')
  return new RegExp(`^\\s*(?:require )?${module.replaceAll('.', '\\.')} (v\\S+)`, 'm').exec(text)?.[1] ?? 'unknown'
}
