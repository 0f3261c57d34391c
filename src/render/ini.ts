/** Sections of an smb.conf, each with its parameters in order. */
export type Ini = ReadonlyMap<string, ReadonlyMap<string, string>>

/**
 * Reads smb.conf as strictly as Samba reads it loosely: comments stand on lines of their own, no continuation lines,
 * no section or parameter twice, nothing before the first section. Throws Error with the line number.
 */
export function readIni(text: string): Ini {
  const sections = new Map<string, Map<string, string>>()
  let current: Map<string, string> | undefined
  for (const [i, raw] of text.split('\n').entries()) {
    const fault = (what: string) => new Error(`line ${i + 1}: ${what}`)
    const line = raw.trim()
    if (line.endsWith('\\')) throw fault('a continued line')
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue
    const section = /^\[([^\]]+)\]$/.exec(line)
    if (section) {
      const name = section[1]!.toLowerCase()
      if (sections.has(name)) throw fault(`section [${name}] twice`)
      current = new Map()
      sections.set(name, current)
      continue
    }
    const parameter = /^([a-z][a-z0-9 :_]*?)\s*=\s*(.*)$/.exec(line)
    if (!parameter) throw fault('neither a section, a parameter nor a comment')
    if (!current) throw fault('a parameter before the first section')
    const [, key, value] = parameter as unknown as [string, string, string]
    if (current.has(key)) throw fault(`parameter "${key}" twice`)
    current.set(key, value)
  }
  return sections
}
