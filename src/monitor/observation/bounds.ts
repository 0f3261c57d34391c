/** Bounds of what one look at a share may tell. */
export const most = { bundles: 4, gone: 8, completed: 64, notes: 12, noteLength: 400, nameLength: 255 } as const
