/**
 * Returns what a policy remembers of a target. Names come from outside: one may be that of a property that every object
 * has.
 */
export function stateOf<S>(states: Readonly<Record<string, S>>, name: string): S | undefined {
  return Object.hasOwn(states, name) ? states[name] : undefined
}
