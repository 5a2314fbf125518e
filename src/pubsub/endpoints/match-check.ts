import { type EntityGuid, entityGuid, type Guid } from '../../core/ids.js'
import type { ReaderInfo, WriterInfo } from '../../wire/descriptor.js'
import { matchEndpoints } from '../model/matching.js'
import type { MismatchLog } from './mismatch-log.js'

/** One end of a pair: the endpoint and the participant that it belongs to. */
export interface EndpointOf<Info> {
  readonly participant: Guid
  readonly info: Info
}

/** Decides whether a writer feeds a reader, and reports a pair of one topic that does not fit. */
export class MatchCheck {
  readonly #mismatches: MismatchLog

  constructor(mismatches: MismatchLog) {
    this.#mismatches = mismatches
  }

  isMatch(writer: EndpointOf<WriterInfo>, reader: EndpointOf<ReaderInfo>): boolean {
    const result = matchEndpoints(writer.info, reader.info)
    if (result.kind === 'unrelated') return false
    const isMatch = result.kind === 'match'
    if (isMatch && result.limits === undefined) return true
    const pair = { topic: writer.info.topic, writer: guidOf(writer), reader: guidOf(reader) }
    if (!isMatch) this.#mismatches.report({ ...result, ...pair })
    else if (result.limits !== undefined) this.#mismatches.report({ kind: 'sample-limit', ...result.limits, ...pair })
    return isMatch
  }
}

function guidOf({ participant, info }: EndpointOf<{ readonly entity: WriterInfo['entity'] }>): EntityGuid {
  return entityGuid(participant, info.entity)
}
