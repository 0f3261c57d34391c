/** The first names of a list, then how many more there are: `alice, bob, carol and 4 more`. */
export function few(names: readonly string[], most = 3): string {
  const shown = names.slice(0, most).join(', ')
  return names.length <= most ? shown : `${shown} and ${names.length - most} more`
}
