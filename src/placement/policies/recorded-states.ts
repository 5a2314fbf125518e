/** What a policy remembers of several targets, by the name of each. Plain data. */
export type RecordedStates<S> = Readonly<Record<string, S>>

/** Returns what is remembered of a target. Names come from outside: one may be a property of every object. */
export function stateOf<S>(states: RecordedStates<S>, name: string): S | undefined {
  return Object.hasOwn(states, name) ? states[name] : undefined
}
