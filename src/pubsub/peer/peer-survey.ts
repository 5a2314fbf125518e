import type { SilenceSurvey } from '../../liveliness/correlated-failure-guard.js'
import { ProcessProbe, type ProcessReading } from '../../liveliness/process-reading.js'
import type { ProcessIdentity } from '../../wire/descriptor.js'
import type { RemotePeer } from './remote-peer.js'

/** States that explain a peer's silence: the cause is the peer's process, not the observer. */
const explained: ReadonlySet<ProcessProbe> = new Set([
  ProcessProbe.running,
  ProcessProbe.stopped,
  ProcessProbe.ioWait,
  ProcessProbe.frozen,
  ProcessProbe.gone,
])

interface Place {
  watched: number
  overdue: number
  /** Overdue peers whose silence the kernel does not explain. */
  late: number
}

/**
 * Counts the silent peers, once before any peer is judged. Peers behind one link fall silent together when the link
 * fails. Therefore each other host, and each other network namespace of this host, counts once.
 *
 * Peers without a descriptor are not counted, because any process can invent them.
 */
export class PeerSurvey {
  readonly result: SilenceSurvey
  readonly #places = new Map<string, Place>()

  /** @param overdue the overdue peers, with the kernel's reading of each */
  constructor(own: ProcessIdentity, peers: readonly RemotePeer[], overdue: ReadonlyMap<RemotePeer, ProcessReading>) {
    // The usual case, and it is checked four times per second.
    if (overdue.size === 0) {
      this.result = { watched: peers.length, late: 0 }
      return
    }
    for (const peer of peers) this.#add(peer, overdue.get(peer))
    this.result = this.#sum(placeOf(own))
  }

  /** Whether every peer of that peer's host, or network namespace, is overdue. */
  isHostSilent({ descriptor }: RemotePeer): boolean {
    const place = descriptor === undefined ? undefined : this.#places.get(placeOf(descriptor.identity))
    return place !== undefined && place.overdue === place.watched
  }

  #add({ descriptor }: RemotePeer, reading: ProcessReading | undefined): void {
    if (descriptor === undefined) return
    const key = placeOf(descriptor.identity)
    const place = this.#places.get(key) ?? { watched: 0, overdue: 0, late: 0 }
    this.#places.set(key, place)
    place.watched++
    if (reading === undefined) return
    place.overdue++
    if (!explained.has(reading.state)) place.late++
  }

  #sum(own: string): SilenceSurvey {
    let [watched, late] = [0, 0]
    for (const [key, place] of this.#places) {
      const isOwn = key === own
      watched += isOwn ? place.watched : 1
      if (isOwn) late += place.late
      else if (place.late === place.watched) late++
    }
    return { watched, late }
  }
}

function placeOf({ bootId, networkNamespace }: ProcessIdentity): string {
  return `${bootId} ${networkNamespace}`
}
