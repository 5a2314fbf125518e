export { type ErrorCode, NumacastError } from './core/errors.js'
export { type AddonStatus, addonStatus } from './topology/addon/addon.js'
export { type CgroupEvents, type CgroupEventsTarget, watchCgroupEvents } from './topology/cgroup/cgroup-events-watch.js'
export { readFreezer } from './topology/cgroup/freezer.js'
export { type HeadroomOptions, readHeadroom } from './topology/cgroup/headroom.js'
export { type HeadroomSample, type SampleField, sampleFields } from './topology/cgroup/headroom-sample.js'
export {
  HeadroomSampler,
  type HeadroomSamplerOptions,
  openHeadroomSampler,
} from './topology/cgroup/headroom-sampler.js'
export type { FollowedProcess, OomKills, OomKillsOptions } from './topology/cgroup/oom-kills.js'
export { type PressureEvent, type PressureTrigger, watchPressure } from './topology/cgroup/pressure-watch.js'
export {
  type HostIdentity,
  type HostIdentityOptions,
  HostIdentitySource,
  hostIdentity,
} from './topology/host/host-identity.js'
export type {
  CgroupPlace,
  CpuHeadroom,
  Headroom,
  MemoryHeadroom,
  MemoryLevel,
  Pressure,
  PressureLine,
} from './topology/model/cgroup-headroom.js'
export type { ExitStatus } from './topology/model/exit-status.js'
export type { FreezerState } from './topology/model/freezer-state.js'
export { type Limit, limitValue, type UnknownReason } from './topology/model/limit.js'
export type { Hugepages, NumaDistances, NumaNode, Topology } from './topology/model/numa-topology.js'
export type { ProcessState } from './topology/model/process-stat.js'
export type { ReadingWarning } from './topology/model/reading-warning.js'
export type { Watch, WatchStatus } from './topology/model/watch.js'
export {
  currentCpu,
  currentNode,
  getAffinity,
  type MemoryPolicy,
  type NodePlacement,
  type PlacementResult,
  pinToNode,
  setAffinity,
  setMempolicy,
} from './topology/numa/placement.js'
export { readTopology, type TopologyOptions } from './topology/numa/topology.js'
export {
  type Location,
  LocationFailure,
  type NamespacedProcess,
  ProcessLocator,
  type ProcessLocatorComponents,
} from './topology/process/process-locator.js'
export { isSameStartTime, processStartTime, readProcessState } from './topology/process/process-state.js'
export { ExitEvidence, type ProcessExit, type ProcessTarget, watchProcess } from './topology/process/process-watch.js'
