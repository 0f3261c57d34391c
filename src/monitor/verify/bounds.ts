// Apart from the schema, so that the reader of a share is a small program.

/** Records of bands that one part may bring, and of bands that are gone. */
export const mostOfPart = 4096
/** Bands that are named of those with a fault. */
export const mostExamples = 8
