import type { Watch, WatchStatus } from '../model/watch.js'
import type { NativeWatch } from './native-addon.js'

/** A {@link Watch} over one native handle, or over none where the machine cannot be asked. */
export class HandleWatch implements Watch {
  #handle: NativeWatch | null = null
  #status: WatchStatus

  private constructor(status: WatchStatus) {
    this.#status = status
  }

  static unavailable(reason: string): HandleWatch {
    return new HandleWatch({ state: 'unavailable', reason })
  }

  /** `open` gets the watch for its callbacks to end; it answers with the handle, or with why there is none. */
  static open(open: (watch: HandleWatch) => NativeWatch | string): HandleWatch {
    const watch = new HandleWatch({ state: 'watching' })
    const handle = open(watch)
    if (typeof handle === 'string') watch.#status = { state: 'unavailable', reason: handle }
    else watch.#handle = handle
    return watch
  }

  get status(): WatchStatus {
    return this.#status
  }

  /** What was watched is gone. */
  end(): void {
    this.#release({ state: 'ended' })
  }

  close(): void {
    this.#release({ state: 'closed' })
  }

  ref(): void {
    this.#handle?.ref()
  }

  unref(): void {
    this.#handle?.unref()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #release(status: WatchStatus): void {
    if (this.#status.state === 'watching') this.#status = status
    this.#handle?.close()
    this.#handle = null
  }
}
