import { slotsPerChunk } from '../../views/snapshot/slot-set.js'
import { WorkerFlag } from '../../views/snapshot/worker-columns.js'
import { type Evaluation, scoreSteps } from './evaluation.js'

/** Judges every worker in full. Returns how many candidates it has found. */
export function scanAll(evaluation: Evaluation, slots: Uint32Array, steps: Uint16Array, refusals: Uint32Array): number {
  let count = 0
  for (let chunk = 0; chunk < evaluation.snapshot.chunks.length; chunk++) {
    const { flags } = evaluation.open(chunk)
    const first = chunk * slotsPerChunk
    for (let index = 0; index < slotsPerChunk; index++) {
      if (((flags[index] ?? 0) & WorkerFlag.occupied) === 0) continue
      const bits = evaluation.refusals(index)
      if (bits !== 0) {
        refusals[first + index] = bits
        continue
      }
      slots[count] = first + index
      steps[count++] = stepOf(evaluation.score(index))
    }
  }
  return count
}

/** Passes over what the index refuses without a look at it. */
export function scan(evaluation: Evaluation, slots: Uint32Array, steps: Uint16Array): number {
  let count = 0
  for (let chunk = 0; chunk < evaluation.snapshot.chunks.length; chunk++) {
    const { flags } = evaluation.open(chunk)
    const first = chunk * slotsPerChunk
    for (let index = 0; index < slotsPerChunk; index++) {
      if (((flags[index] ?? 0) & WorkerFlag.occupied) === 0) continue
      if (evaluation.isFiltered(index) || evaluation.refusals(index) !== 0) continue
      slots[count] = first + index
      steps[count++] = stepOf(evaluation.score(index))
    }
  }
  return count
}

export function stepOf(score: number): number {
  return Math.round(score * scoreSteps)
}
