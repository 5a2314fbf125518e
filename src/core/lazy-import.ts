/**
 * Returns a function that calls `load` at its first call and returns that promise from then on; after a failure it calls
 * `load` again. An `import()` of its own may take a while even for a module that is loaded: each one asks the hooks of Node again.
 */
export function lazyImport<M>(load: () => Promise<M>): () => Promise<M> {
  let loading: Promise<M> | undefined
  return () => {
    loading ??= load().catch((error: unknown) => {
      loading = undefined
      throw error
    })
    return loading
  }
}
