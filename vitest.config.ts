import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts', 'test/cases/*.test.ts'], testTimeout: 60_000 } },
      {
        // One browser after the other: each is as large as everything else here.
        test: { name: 'page', include: ['test/page/**/*.test.ts'], testTimeout: 120_000, fileParallelism: false },
      },
      {
        // The lab drives one real Docker engine: files run one after the other.
        test: {
          name: 'lab',
          include: ['test/lab/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
      {
        // The same engine with servers that take minutes to build: lab/older runs it.
        test: {
          name: 'older',
          include: ['test/older/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
