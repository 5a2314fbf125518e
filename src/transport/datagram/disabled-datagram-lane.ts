import { Counters } from '../../core/reporting/counters.js'
import type { Subscription } from '../../core/reporting/listeners.js'
import { checkBody, checkGroup } from '../lane/group.js'
import { localhostRange } from '../lane/range.js'
import type { DatagramLane, Group } from '../lane/transport.js'

/**
 * The datagram lane of range `off`. Opens no socket, receives nothing and sends nothing. Each frame passed to it is
 * counted (`datagram.skipped.off`), because that frame can travel only by stream.
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

  /** Does nothing: no interface is used. */
  async usePaths(): Promise<void> {}

  async close(): Promise<void> {}
}
