/** A number with its word: `1 disk`, `2 disks`. @param many the word for all numbers but one */
export const count = (number: number, one: string, many = `${one}s`): string => `${number} ${number === 1 ? one : many}`
