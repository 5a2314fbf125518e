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

/** Runs the steps in order, each although an earlier one failed. None may return a promise. @throws the first error */
export function closeEach(steps: Iterable<() => void>): void {
  const errors: unknown[] = []
  for (const step of steps) {
    try {
      step()
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw errors[0]
}

/** Starts all steps at once and waits for each, although another failed. @throws the first error, by the steps' order */
export async function closeTogether(steps: readonly (() => unknown)[]): Promise<void> {
  const results = await Promise.allSettled(steps.map(async (step) => step()))
  for (const result of results) if (result.status === 'rejected') throw result.reason
}
