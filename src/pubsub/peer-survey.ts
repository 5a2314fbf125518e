import type { Survey } from '../liveliness/mass-silence.js'
import { ProcessProbe, type ProcessReading } from '../liveliness/process-reading.js'
import type { ProcessIdentity } from '../wire/descriptor.js'
import type { RemotePeer } from './remote-peer.js'

/** Silence that these explain is theirs, not the observer's. */
const explained: ReadonlySet<ProcessProbe> = new Set([
  ProcessProbe.running,
  ProcessProbe.stopped,
  ProcessProbe.ioWait,
  ProcessProbe.gone,
])

interface Place {
  watched: number
  late: number
  overdue: number
}

/**
 * How everybody is, taken once before anybody is judged. Peers behind one link fall silent together when the link does:
 * each other host, and each other network namespace of this one, counts once.
 */
export class PeerSurvey {
  readonly #own: string
  readonly #places = new Map<string, Place>()

  constructor(own: ProcessIdentity) {
    this.#own = placeOf(own)
  }

  /** Those that have not described themselves yet are not counted: anybody can invent them. */
  add({ descriptor }: RemotePeer, isOverdue: boolean, { state }: ProcessReading): void {
    if (descriptor === undefined) return
    const key = placeOf(descriptor.identity)
    const place = this.#places.get(key) ?? { watched: 0, late: 0, overdue: 0 }
    this.#places.set(key, place)
    place.watched++
    if (isOverdue) place.overdue++
    if (isOverdue && !explained.has(state)) place.late++
  }

  /** Nobody is heard of the host, or the network namespace, that the peer is in. */
  isHostSilent({ descriptor }: RemotePeer): boolean {
    const place = descriptor === undefined ? undefined : this.#places.get(placeOf(descriptor.identity))
    return place !== undefined && place.overdue === place.watched
  }

  result(): Survey {
    let [watched, late] = [0, 0]
    for (const [key, place] of this.#places) {
      const isOwn = key === this.#own
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
