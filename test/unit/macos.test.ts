import { expect, test } from 'vitest'
import { cannotBackUp } from '../../src/macos.ts'

test.each([
  ['macOS 15.7.4', false],
  ['macOS 15.7.5', true],
  ['macOS 15.7.7', true],
  ['macOS 15.7.8', false],
  ['macOS 26.3.9', false],
  ['macOS 26.4', true],
  ['macOS 26.4.0', true],
  ['macOS 26.4.1', true],
  ['macOS 26.4.2', false],
  ['macOS 26.40', false],
  ['linux 26.4', false],
  ['macOS 26.4-beta', false],
])('%s cannot back up: %s', (system, expected) => {
  expect(cannotBackUp(system)).toBe(expected)
})
