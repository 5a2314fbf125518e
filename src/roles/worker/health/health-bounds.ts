import type { WorkerReading } from '../readings/worker-readings.js'
import type { ResolvedHealth } from './health-options.js'

/** What can make a worker unhealthy. */
export const HealthAspect = {
  /** The application has declared it unfit. */
  declared: 'declared',
  /** The application's own check failed, or has not passed yet. */
  check: 'check',
  loopDelay: 'loop-delay',
  memoryHeadroom: 'memory-headroom',
  memoryPressure: 'memory-pressure',
  cpuPressure: 'cpu-pressure',
} as const
export type HealthAspect = (typeof HealthAspect)[keyof typeof HealthAspect]

/** The aspects that are read from the machine. */
export type MeasuredAspect = Exclude<HealthAspect, 'declared' | 'check'>

export type HealthBounds = Pick<
  ResolvedHealth,
  'maxLoopDelayMs' | 'minMemoryHeadroomBytes' | 'maxMemoryPressurePercent' | 'maxCpuPressurePercent'
>

/** What is compared with the bounds. Null: could not be read, and then it exceeds none. */
export type HealthReading = Pick<WorkerReading, 'memoryHeadroomBytes' | 'memoryPressurePercent' | 'cpuPressurePercent'>

/** Returns which bounds a reading exceeds, each with the reason for people. */
export function exceededBounds(reading: HealthReading, bounds: HealthBounds): Map<MeasuredAspect, string> {
  const exceeded = new Map<MeasuredAspect, string>()
  const { memoryHeadroomBytes: headroom, memoryPressurePercent: memory, cpuPressurePercent: cpu } = reading
  if (headroom !== null && headroom < bounds.minMemoryHeadroomBytes) {
    const least = megabytes(bounds.minMemoryHeadroomBytes)
    exceeded.set('memory-headroom', `${megabytes(headroom)} of memory are left, less than ${least}`)
  }
  if (memory !== null && memory > bounds.maxMemoryPressurePercent) {
    exceeded.set('memory-pressure', pressureText('memory', memory, bounds.maxMemoryPressurePercent))
  }
  if (cpu !== null && cpu > bounds.maxCpuPressurePercent) {
    exceeded.set('cpu-pressure', pressureText('a CPU', cpu, bounds.maxCpuPressurePercent))
  }
  return exceeded
}

function pressureText(resource: string, percent: number, most: number): string {
  return `tasks waited for ${resource} during ${percent.toFixed(0)} % of 10 s, more than ${most} %`
}

function megabytes(bytes: number): string {
  return `${Math.floor(bytes / 2 ** 20)} MiB`
}
