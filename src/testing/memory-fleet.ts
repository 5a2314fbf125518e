import { closeAll, closeTogether } from '../core/close-all.js'
import type { ProcessProbe, ProcessReading } from '../liveliness/process-reading.js'
import type { Participant } from '../pubsub/participant.js'
import type { ParticipantOptions } from '../pubsub/participant-options.js'
import { Collector } from '../roles/collector/collector.js'
import type { CollectorOptions } from '../roles/collector/collector-options.js'
import { IntentIssuer } from '../roles/intents/intent-issuer.js'
import type { WatchProcess } from '../roles/node/kernel-watch.js'
import type { ZoneReading, ZoneReadings } from '../roles/node/readings/zone-readings.js'
import { Scheduler } from '../roles/scheduler/scheduler.js'
import type { SchedulerOptions } from '../roles/scheduler/scheduler-options.js'
import type { MachineFacts } from '../roles/worker/readings/machine-facts.js'
import type { WorkerReading, WorkerReadings } from '../roles/worker/readings/worker-readings.js'
import { Worker } from '../roles/worker/worker.js'
import type { WorkerOptions } from '../roles/worker/worker-options.js'
import type { ProcessExit } from '../topology/process/process-watch.js'
import { FleetView } from '../views/fleet-view.js'
import type { ProcessIdentity } from '../wire/descriptor.js'
import type { BlockableLoop } from './blockable-loop.js'
import { idleWorker, idleZone } from './idle-readings.js'
import { type MemoryIdentity, MemoryPlane, type MemoryPlaneOptions } from './memory-plane.js'

const memoryMachine: MachineFacts = { cpuModel: 'simulated', isBoundTo: () => true }

/** A host of its own name and boot id, for the roles of a {@link MemoryFleet}. */
export function memoryHost(host: string, bootId = `boot-${host}`): Pick<ProcessIdentity, 'host' | 'bootId'> {
  return { host, bootId }
}

/** Several roles in this process: memory lane, fake clock, and a kernel and a machine that the test simulates. */
export class MemoryFleet {
  readonly plane: MemoryPlane
  /** What collectors measure from now on. */
  zone: ZoneReading = idleZone
  /** What every worker measures from now on. */
  reading: WorkerReading = idleWorker
  /** Processes that the kernel reports as stopped. It is asked only about silent processes. */
  readonly stopped = new Set<number>()
  readonly #gone = new Set<number>()
  readonly #exits = new Map<number, Set<(exit: ProcessExit) => void>>()
  readonly #roles: { close(): Promise<void> }[] = []
  readonly #names = new Map<Participant, string>()
  /** Boot ids by participant name. */
  readonly #hosts = new Map<string, string>()
  #sides: readonly (readonly string[])[] = []
  #joined = 0

  /** @param options `kernel` answers for the processes in place of {@link stopped} and {@link setState} */
  constructor(seed = 1, options: MemoryPlaneOptions = {}) {
    this.plane = new MemoryPlane(seed, options)
  }

  get clock() {
    return this.plane.clock
  }

  /** @param identity of its process and host, where it differs from the others'; see {@link memoryHost} */
  collector(
    options: CollectorOptions = {},
    collectorReadings?: ZoneReadings | ((numaNode: number) => ZoneReadings),
    identity: MemoryIdentity = {},
  ): Promise<Collector> {
    const openReadings = (numaNode: number): ZoneReadings => {
      if (typeof collectorReadings === 'function') return collectorReadings(numaNode)
      return collectorReadings ?? this.#zoneReadings
    }
    const components = this.#components(identity)
    return this.#start(() => Collector.start({ numaNode: 0, ...options }, { ...components, openReadings }))
  }

  /** @param identity of its process, where it differs from the others': a container has a host name of its own */
  worker(workerId: string, options: Partial<WorkerOptions> = {}, identity: MemoryIdentity = {}): Promise<Worker> {
    const readings: WorkerReadings = { read: () => this.reading, close() {} }
    const join = (joining: ParticipantOptions): Promise<Participant> => this.join(joining, undefined, identity)
    return this.#start(() =>
      Worker.start({ workerId, numaNode: 0, ...options }, { join, readings, machine: memoryMachine }),
    )
  }

  /** @param loop its own main loop, which a test may block */
  scheduler(options: SchedulerOptions = {}, loop?: BlockableLoop, identity: MemoryIdentity = {}): Promise<Scheduler> {
    const openReadings = () => this.#zoneReadings
    return this.#start(() => Scheduler.start(options, { ...this.#components(identity, loop), openReadings }))
  }

  /** An operator, which watches and may issue intents. After `leave` only what it issued remains. */
  async operator(
    issuer = 'operator',
    identity: MemoryIdentity = {},
  ): Promise<{ view: FleetView; issuer: IntentIssuer; leave: () => Promise<void> }> {
    const participant = await this.join({ name: issuer }, undefined, identity)
    const view = FleetView.open(participant)
    const intents = new IntentIssuer(view, { issuer })
    const leave = async (): Promise<void> => {
      const steps = [() => intents.close(), () => view.close(), () => participant.close()]
      await this.plane.settle(closeAll(steps))
    }
    return { view, issuer: intents, leave }
  }

  /** Returns a status document from a participant that joins for it and leaves again. */
  async lateView<R>(look: (view: FleetView) => R, identity: MemoryIdentity = {}): Promise<R> {
    const { view, leave } = await this.operator('late', identity)
    await this.plane.settle(view.synced())
    const seen = look(view)
    await leave()
    return seen
  }

  /** Ends its process abruptly. The kernel reports that to every watcher. */
  kill(role: { readonly participant: Participant; close(): Promise<void> }, exit: Partial<ProcessExit> = {}): void {
    this.cutOff(role)
    void role.close() // receives and sends nothing by now: this only ends its timers
    const { pid } = role.participant.identity
    this.#gone.add(pid)
    const fact = {
      cause: 'killed' as const,
      exitCode: null,
      signal: 'SIGKILL',
      coreDumped: false,
      evidence: 'pidfd' as const,
      atMs: 0,
      ...exit,
    }
    for (const onExit of [...(this.#exits.get(pid) ?? [])]) onExit(fact)
    this.plane.kernel?.end(role.participant.identity, exit)
  }

  /** Sets what the kernel reports of its process to peers that do not receive from it. */
  setState(role: { readonly participant: Participant }, state: ProcessProbe): void {
    this.plane.probes.set(this.#names.get(role.participant) ?? '', state)
  }

  /** Ends {@link cutOff}. */
  reconnect(role: { readonly participant: Participant }): void {
    this.plane.network.reconnect(this.#names.get(role.participant) ?? '')
  }

  /** Drops every frame from it and to it from now on. */
  cutOff(role: { readonly participant: Participant }): void {
    this.plane.network.disconnect(this.#names.get(role.participant) ?? '')
  }

  /** Cuts the network between hosts, given by boot id, in place of an earlier cut. Without hosts it ends the cut. */
  cutHosts(...sides: readonly (readonly string[])[]): void {
    this.#sides = sides
    this.#applySides()
  }

  #applySides(): void {
    const namesOf = (bootIds: readonly string[]): string[] =>
      [...this.#hosts].flatMap(([name, bootId]) => (bootIds.includes(bootId) ? [name] : []))
    this.plane.network.partition(...this.#sides.map(namesOf))
  }

  async close(): Promise<void> {
    const roles = closeTogether(this.#roles.map((role) => () => role.close()))
    await closeAll([() => this.plane.settle(roles), () => this.plane.close()])
  }

  readonly #zoneReadings: ZoneReadings = { read: () => this.zone, close() {} }

  /** What a role that watches processes is made of. It learns which process it is when it joins. */
  #components(place: MemoryIdentity, loop?: BlockableLoop) {
    const { kernel } = this.plane
    let own: ProcessIdentity | undefined
    const join = async (joining: ParticipantOptions): Promise<Participant> => {
      const participant = await this.join(joining, loop, place)
      own = participant.identity
      return participant
    }
    const probe = (pid: number, startTimeTicks: number | null): ProcessReading => {
      if (kernel !== undefined && own !== undefined) return kernel.probe(own, { ...own, pid, startTimeTicks })
      const state = this.#gone.has(pid) ? 'gone' : this.stopped.has(pid) ? 'stopped' : 'sleeping'
      return { state, cpuTimeMs: 0, end: null }
    }
    const watchProcess: WatchProcess = (target, onExit) => {
      if (kernel === undefined || own === undefined) return this.#watchProcess(target, onExit)
      return { close: kernel.watch(own, target, onExit) }
    }
    return { join, watchProcess, probe }
  }

  async #start<R extends { close(): Promise<void> }>(start: () => Promise<R>): Promise<R> {
    const role = await this.plane.settle(start())
    this.#roles.push(role)
    return role
  }

  readonly join = async (
    options: ParticipantOptions,
    loop?: BlockableLoop,
    identity: MemoryIdentity = {},
  ): Promise<Participant> => {
    const name = `${options.name ?? 'operator'} #${++this.#joined}`
    this.#hosts.set(name, identity.bootId ?? 'boot')
    this.#applySides()
    const participant = await this.plane.join(name, { ...options, name }, identity, loop)
    this.#names.set(participant, name)
    return participant
  }

  readonly #watchProcess: WatchProcess = ({ pid }, onExit) => {
    const watchers = this.#exits.get(pid) ?? new Set()
    this.#exits.set(pid, watchers.add(onExit))
    return { close: () => void watchers.delete(onExit) }
  }
}
