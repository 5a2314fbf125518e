/** A call that an actor answers. */
export type Call = (argument: never) => unknown

export interface Reply {
  readonly id: number
  readonly result?: unknown
  readonly error?: string
}

interface Order {
  readonly id: number
  readonly name: string
  readonly argument: unknown
}

/**
 * Answers the calls of the bench that forked this process, and ends with it.
 * @returns the calls, so that the bench can take their types from here
 */
export function act<C extends Readonly<Record<string, Call>>>(calls: C): C {
  const send = (reply: Reply): void => {
    // A bench that has ended needs no answer.
    if (process.connected) process.send?.(reply, undefined, {}, () => {})
  }
  process.on('message', ({ id, name, argument }: Order) => {
    const call = calls[name] as ((argument: unknown) => unknown) | undefined
    Promise.resolve()
      .then(() => {
        if (call === undefined) throw new Error(`there is no call ${name}`)
        return call(argument)
      })
      .then(
        (result) => send({ id, result }),
        (error: unknown) =>
          send({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
      )
  })
  process.on('disconnect', () => process.exit(0))
  send({ id: 0 })
  return calls
}
