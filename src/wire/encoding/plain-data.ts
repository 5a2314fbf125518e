import { types } from 'node:util'

/** How an object is encoded, or `undefined` if it cannot be sent. */
export const DataKind = {
  array: 'array',
  map: 'map',
  bytes: 'bytes',
  binaryArray: 'binary-array',
  date: 'date',
} as const
export type DataKind = (typeof DataKind)[keyof typeof DataKind]

/**
 * Returns the kind of an object that can be sent. A subclass has no kind, because its reader would get the base class.
 * Builtins of another realm count as builtins, because test runners run programs in a sandbox with its own globals.
 */
export function dataKind(value: object): DataKind | undefined {
  const prototype: object | null = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return DataKind.map
  if (prototype === Array.prototype) return DataKind.array
  if (prototype === Buffer.prototype || prototype === Uint8Array.prototype) return DataKind.bytes
  if (Array.isArray(value)) return Array.isArray(prototype) ? DataKind.array : undefined
  const ancestors = ancestorsOf(prototype)
  if (ArrayBuffer.isView(value)) {
    const builtinAncestors = types.isTypedArray(value) ? 3 : 2
    if (ancestors !== builtinAncestors) return undefined
    return types.isUint8Array(value) ? DataKind.bytes : DataKind.binaryArray
  }
  if (ancestors === 2 && types.isDate(value)) return DataKind.date
  if (ancestors === 2 && types.isArrayBuffer(value)) return DataKind.binaryArray
  // The root of another realm.
  return ancestors === 1 && Object.hasOwn(prototype, 'hasOwnProperty') ? DataKind.map : undefined
}

/** Names a value that cannot be sent, for an error message: `a Map`, `a function`, `an instance of Foo`. */
export function describeValue(value: unknown): string {
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`
  const name = (value as { constructor?: { name?: unknown } }).constructor?.name
  if (typeof name !== 'string' || name === '') return 'an object that is no plain object'
  const isBuiltin = Object.hasOwn(globalThis, name)
  if (!isBuiltin) return `an instance of ${name}`
  return /^[AEIOU]/.test(name) && !/^U(int|RL)/.test(name) ? `an ${name}` : `a ${name}`
}

/** Returns the length of the prototype chain from `prototype`: 1 for the root. */
function ancestorsOf(prototype: object): number {
  let count = 0
  for (let next: object | null = prototype; next !== null; next = Object.getPrototypeOf(next)) count++
  return count
}
