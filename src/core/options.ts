/** A copy of `options` in which what is present and undefined is absent, so that it does not hide a default. */
export function withoutUndefined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T
}
