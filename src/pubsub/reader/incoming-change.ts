import type { IncomingChange } from '../../cache/instance.js'
import { entityGuid, type Token } from '../../core/ids.js'
import type { SamplesHead, WireSample } from '../../wire/samples.js'
import type { WriterProxy } from './writer-proxy.js'

/** Returns the owner of the value and the owner's number for it. */
export function tokenOf(proxy: WriterProxy, { origin, valueSeq }: WireSample): Token {
  if (origin === undefined) return { writer: proxy.guid, seq: valueSeq }
  return { writer: entityGuid(origin.participant, origin.writer), seq: origin.seq }
}

/** Returns a sample of a frame as a change that a reader applies. */
export function changeOf(
  proxy: WriterProxy,
  head: SamplesHead,
  sample: WireSample,
  value: unknown,
  outOfView: boolean,
  nowMs: number,
): IncomingChange {
  return {
    key: sample.key,
    disposed: sample.disposed,
    outOfView,
    token: tokenOf(proxy, sample),
    via: proxy.guid,
    viaSeq: sample.seq,
    originTimeMs: nowMs - sample.ageMs,
    sourceTimeMs: sample.sourceTimeMs ?? head.sentWallMs - sample.ageMs,
    bytes: sample.frame,
    start: sample.valueStart,
    end: sample.valueEnd,
    fields: proxy.info.fields,
    value,
  }
}
