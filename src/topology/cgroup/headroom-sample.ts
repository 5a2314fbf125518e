/**
 * The numbers of one sample, in the order in which the addon writes them (`native/src/cgroup/sample.h`; a test compares).
 * `NaN`: unknown. `Infinity`: no limit. Units are in the names; `Headroom` documents them.
 */
export const sampleFields = [
  'atUs',
  'memoryLimitBytes',
  'memoryHighBytes',
  'memoryCurrentBytes',
  'workingSetBytes',
  'safeHeadroomBytes',
  'maxHeadroomBytes',
  'hostAvailableBytes',
  'swapCurrentBytes',
  'eventsHigh',
  'eventsMax',
  'eventsOom',
  'eventsOomKill',
  'quotaCpus',
  'effectiveCpus',
  'cpuUsageUs',
  'cpuPeriods',
  'cpuThrottledPeriods',
  'cpuThrottledUs',
  'pidsLimit',
  'pidsCurrent',
  'cpuSomeAvg10',
  'cpuSomeTotalUs',
  'cpuFullAvg10',
  'cpuFullTotalUs',
  'memorySomeAvg10',
  'memorySomeTotalUs',
  'memoryFullAvg10',
  'memoryFullTotalUs',
  'ioSomeAvg10',
  'ioSomeTotalUs',
  'ioFullAvg10',
  'ioFullTotalUs',
  'discoveries',
] as const

export type SampleField = (typeof sampleFields)[number]

/** Named access to the latest numbers. `atUs` is CLOCK_MONOTONIC; `discoveries` counts how often the cgroups were looked up. */
export type HeadroomSample = { readonly [field in SampleField]: number }

/** A view with one getter per field: reading it allocates nothing. */
export function viewSample(values: Float64Array): HeadroomSample {
  const view = {}
  sampleFields.forEach((field, index) => {
    Object.defineProperty(view, field, { enumerable: true, get: () => values[index] })
  })
  return Object.freeze(view) as HeadroomSample
}
