import { nativeAddonOrReason } from '../addon/addon.js'
import { HandleWatch } from '../addon/handle-watch.js'
import type { Watch } from '../model/watch.js'
import { cgroupFile } from './cgroup-file.js'

export interface CgroupEventsTarget {
  /** `memory.events` (limits reached, OOM kills), its `.local` form, or `cgroup.events` (populated, frozen). */
  readonly file: 'memory.events' | 'memory.events.local' | 'cgroup.events'
  /**
   * Directory of the cgroup.
   * @default the cgroup of this process
   */
  readonly directory?: string
}

/** The file's counters by their kernel names, like `{ low, high, max, oom, oom_kill }`. */
export type CgroupEvents = Readonly<Record<string, number>>

/**
 * Calls `onChange` with the new counters whenever the kernel changes them (inotify, no polling). Ends when the cgroup
 * is removed. cgroup v2 only; v1 has no such file.
 */
export function watchCgroupEvents(target: CgroupEventsTarget, onChange: (events: CgroupEvents) => void): Watch {
  const addon = nativeAddonOrReason()
  if (typeof addon === 'string') return HandleWatch.unavailable(addon)
  const file = cgroupFile(target.file, target.directory)
  if (file === null)
    return HandleWatch.unavailable('this process is in no visible cgroup v2, and v1 has no events file')
  return HandleWatch.open((watch) =>
    addon.watchFile(file, (text) => {
      if (text === null) watch.end()
      else onChange(parseEvents(text))
    }),
  )
}

function parseEvents(text: string): CgroupEvents {
  const events: Record<string, number> = Object.create(null)
  for (const line of text.split('\n')) {
    const [name, value] = line.split(' ')
    if (name !== undefined && value !== undefined && /^\d+$/.test(value)) events[name] = Number(value)
  }
  return events
}
