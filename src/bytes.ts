/** Bytes in powers of 1024, as quotas are written: `64K`, `1.5G`. */
export function bytesText(bytes: number): string {
  const units = ['B', 'K', 'M', 'G', 'T', 'P']
  let value = bytes
  let unit = 0
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024
  return `${value >= 10 || Number.isInteger(value) ? Math.floor(value) : value.toFixed(1)}${units[unit]}`
}
