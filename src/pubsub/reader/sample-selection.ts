import type { Arrival } from '../../cache/instance.js'
import { type Sample, toSample, ViewState, wallAheadMs } from '../model/sample.js'
import type { ResolvedReadOptions } from './read-options.js'
import type { ReaderCopy } from './reader-copy.js'

/** Selects the samples that `read` and `take` return. Marks them as read, or takes them away. */
export function selectSamples<T extends object>(
  copy: ReaderCopy,
  { key, maxSamples, unreadOnly, admits, filter }: ResolvedReadOptions<T>,
  isTaken: boolean,
  now: Arrival,
): readonly Sample<T>[] {
  const { queue, table } = copy
  const aheadMs = wallAheadMs(now)
  const only = key === undefined ? undefined : table.get(key)
  const instances = key === undefined ? queue.waiting(table.values(), unreadOnly) : only === undefined ? [] : [only]
  const selected: Sample<T>[] = []
  for (const instance of instances) {
    if (selected.length >= maxSamples) break
    const viewState = instance.viewed ? ViewState.notNew : ViewState.new
    const before = selected.length
    for (const held of queue.samplesOf(instance)) {
      if (selected.length >= maxSamples) break
      if (copy.isExpired(held, now.nowMs)) continue
      const sample = toSample<T>(instance, held, viewState, aheadMs)
      if (!admits(sample) || filter?.(sample) === false) continue
      selected.push(sample)
      if (isTaken) queue.take(instance, held)
      else held.read = true
    }
    if (selected.length === before) continue
    instance.viewed = true
    if (!isTaken) queue.updateUnread(instance)
  }
  return selected
}
