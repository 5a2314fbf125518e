import { NumacastError } from '../../core/errors.js'
import { type EntityGuid, participantOf } from '../../core/ids.js'
import { countFailure } from '../../core/reporting/count-failure.js'
import { RepeatingTimer } from '../../core/time/repeating-timer.js'
import { planePartition } from '../../plane/vocabulary/partitions.js'
import { nodeName } from '../../plane/vocabulary/targets.js'
import { type UnservedWorker, unservedWorker } from '../../plane/worker/unserved-worker.js'
import type { Participant } from '../../pubsub/participant.js'
import type { Writer } from '../../pubsub/writer/writer.js'

/** A worker that no collector has ever served reports it after this. */
const firstNoticeMs = 3_000
/**
 * A worker that has lost its collector reports it after this: another collector of the host takes the node over first.
 */
const laterNoticeMs = 30_000
const checkEveryMs = 1_000

export interface UnservedNoticeOptions {
  readonly workerId: string
  readonly numaNode: number
  /** The readers of the worker's state. */
  readonly readers: () => readonly EntityGuid[]
  /** The notice has been published, or withdrawn because a collector serves the worker. */
  readonly changed?: (isUnserved: boolean) => void
}

/** Reports on the plane, to the log and by a counter that no collector serves a worker, while that lasts. */
export class UnservedNotice {
  readonly #participant: Participant
  readonly #options: UnservedNoticeOptions
  readonly #checking: RepeatingTimer
  #unservedSinceMs: number | undefined
  #wasServed = false
  #writer: Writer<UnservedWorker> | undefined

  constructor(participant: Participant, options: UnservedNoticeOptions) {
    this.#participant = participant
    this.#options = options
    this.#unservedSinceMs = participant.clock.nowMs()
    this.#checking = new RepeatingTimer(participant.clock, checkEveryMs, () => this.#check())
  }

  /** Returns whether the worker has reported that no collector serves it. */
  get isReported(): boolean {
    return this.#writer !== undefined
  }

  /** Idempotent. */
  close(): void {
    this.#checking.close()
    const writer = this.#writer
    this.#writer = undefined
    writer?.close()
  }

  #check(): void {
    const nowMs = this.#participant.clock.nowMs()
    if (this.#isServed()) {
      this.#wasServed = true
      this.#unservedSinceMs = undefined
      this.#withdraw()
      return
    }
    this.#unservedSinceMs ??= nowMs
    const unservedForMs = nowMs - this.#unservedSinceMs
    if (this.#writer === undefined && unservedForMs >= (this.#wasServed ? laterNoticeMs : firstNoticeMs)) {
      this.#report(unservedForMs)
    }
  }

  #isServed(): boolean {
    return this.#options.readers().some((reader) => {
      const role = this.#participant.peer(participantOf(reader))?.properties.role
      return role === 'collector' || role === 'scheduler'
    })
  }

  #report(unservedForMs: number): void {
    const { identity, incarnation, counters, domain } = this.#participant
    const { workerId, numaNode } = this.#options
    const { bootId, host, pid } = identity
    const node = nodeName({ bootId, host, numaNode })
    const seconds = Math.round(unservedForMs / 1_000)
    const message =
      `no collector serves worker ${workerId} on ${node} in domain ${domain} since ${seconds} s: it takes work that ` +
      `nothing watches; start \`numacast collector\` on its host`
    counters.addError('worker.unserved', new NumacastError('NUMACAST_UNAVAILABLE', message, { details: { node } }))
    countFailure(counters, 'worker.publish-failed', () => {
      this.#writer = this.#participant.writer(unservedWorker, { partition: planePartition })
      this.#writer.write({ workerId, incarnation, pid, bootId, host, numaNode, unservedForMs })
    })
    this.#options.changed?.(true)
  }

  #withdraw(): void {
    const writer = this.#writer
    this.#writer = undefined
    if (writer === undefined) return
    countFailure(this.#participant.counters, 'worker.publish-failed', () => {
      for (const key of [...writer.keys()]) writer.dispose(key)
      writer.flush()
      writer.close()
    })
    this.#options.changed?.(false)
  }
}
