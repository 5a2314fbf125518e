/** Returns a function that calls `make` at its first call and returns that result from then on. */
export function once<R>(make: () => R): () => R {
  let made: { readonly result: R } | undefined
  return () => {
    made ??= { result: make() }
    return made.result
  }
}
