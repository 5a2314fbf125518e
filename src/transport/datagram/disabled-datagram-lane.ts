import { Counters } from '../../core/counters.js'
import type { Subscription } from '../../core/listeners.js'
import { checkBody, checkGroup } from '../lane/group.js'
import { localhostRange } from '../lane/range.js'
import type { DatagramLane, Group } from '../lane/transport.js'

/**
 * The datagram lane of range `off`: opens no socket, hears nobody, and sends nothing. What it is given is counted
 * (`datagram.skipped.off`), because it goes by stream or not at all.
 */
export class DisabledDatagramLane implements DatagramLane {
  readonly maxBodyBytes = localhostRange.maxBodyBytes
  readonly counters = new Counters()
  readonly received = 0
  readonly pending = 0
  readonly isIncomplete = false
  readonly ports: readonly number[] = []

  async join(group: Group): Promise<Subscription> {
    checkGroup(group)
    return { close: () => undefined }
  }

  send(group: Group, body: Uint8Array): void {
    checkGroup(group)
    checkBody('datagram', body, this.maxBodyBytes)
    this.counters.add('datagram.skipped.off')
  }

  /** No interface matters to it. */
  async follow(): Promise<void> {}

  async close(): Promise<void> {}
}
