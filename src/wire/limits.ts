/** The most that a topic may allow for one encoded value. It fits one message of the stream lane. */
export const maxValueBytes = 8 * 1024 * 1024

/** The most fields that one topic may have. */
export const maxFields = 256

/** Returns whether a field may have this name. Refuses names that would reach a prototype. */
export function isSafeFieldName(name: string): boolean {
  return name.length > 0 && name.length <= 128 && name !== '__proto__' && name !== 'constructor' && name !== 'prototype'
}
