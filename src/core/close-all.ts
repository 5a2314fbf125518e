/**
 * Runs the steps in order, each although an earlier one failed. Waits for a step that returns a promise.
 * @throws the first error
 */
export async function closeAll(steps: readonly (() => unknown)[]): Promise<void> {
  const errors: unknown[] = []
  for (const step of steps) {
    try {
      const result = step()
      if (result instanceof Promise) await result
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw errors[0]
}
