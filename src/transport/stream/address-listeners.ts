import { closeTogether } from '../../core/close-all.js'
/** A socket that listens at one address. */
export interface AddressListener {
  readonly endpoint: string
  close(): Promise<void>
}

/**
 * Keeps one listening socket per address of a list that changes. One socket for all addresses is not possible: binding
 * a socket that already receives is unsafe in zeromq.js, and a wildcard would listen on addresses that are not allowed.
 */
export class AddressListeners<T extends AddressListener> {
  readonly #listen: (address: string) => Promise<T>
  readonly #onFailed: (error: unknown) => void
  readonly #open = new Map<string, T>()
  #addresses: readonly string[] = []
  #work: Promise<unknown> = Promise.resolve()
  #closed = false

  /** If `listen` fails, `onFailed` is called, and the next `useAddresses` tries again. It is also told what failed to close. */
  constructor(listen: (address: string) => Promise<T>, onFailed: (error: unknown) => void) {
    this.#listen = listen
    this.#onFailed = onFailed
  }

  get listeners(): IterableIterator<T> {
    return this.#open.values()
  }

  /** Endpoints in the order of the addresses. */
  get endpoints(): readonly string[] {
    return this.#addresses.flatMap((address) => this.#open.get(address)?.endpoint ?? [])
  }

  get isComplete(): boolean {
    return this.#open.size === this.#addresses.length
  }

  /** Resolves to whether a socket was opened or closed. Calls are processed in order. Never rejects. */
  useAddresses(addresses: readonly string[]): Promise<boolean> {
    const work = this.#work.then(() => this.#useAddresses([...new Set(addresses)]))
    this.#work = work
    return work
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#work
    const listeners = [...this.#open.values()]
    this.#open.clear()
    await closeTogether(listeners.map((listener) => () => listener.close()))
  }

  async #useAddresses(addresses: readonly string[]): Promise<boolean> {
    if (this.#closed) return false
    this.#addresses = addresses
    const gone = [...this.#open].filter(([address]) => !addresses.includes(address))
    for (const [address] of gone) this.#open.delete(address)
    await closeTogether(
      gone.map(
        ([, listener]) =>
          () =>
            listener.close(),
      ),
    ).catch(this.#onFailed)
    let hasChanged = gone.length > 0
    for (const address of addresses) {
      if (this.#closed || this.#open.has(address)) continue
      try {
        this.#open.set(address, await this.#listen(address))
        hasChanged = true
      } catch (error) {
        this.#onFailed(error)
      }
    }
    return hasChanged
  }
}
