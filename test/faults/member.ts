// One process of a fleet under test: a collector, a scheduler's view, somebody who watches every worker without a
// collector between, or some workers. It says over the IPC channel what it observes, and does what it is told to suffer.
// Started by MemberProcess.
import type { NumacastError } from '../../src/core/errors.js'
import { unknownReading } from '../../src/liveliness/process-reading.js'
import { upPartition } from '../../src/plane/partitions.js'
import { workerState } from '../../src/plane/worker-state.js'
import { joinDomain, type Participant } from '../../src/pubsub/participant.js'
import type { ParticipantOptions } from '../../src/pubsub/participant-options.js'
import { Collector } from '../../src/roles/collector/collector.js'
import { Worker } from '../../src/roles/worker/worker.js'
import type { Location } from '../../src/topology/process/process-locator.js'
import { FleetView } from '../../src/views/fleet-view.js'
import { block, type Phase } from './blocking.js'

export interface MemberSpec {
  readonly role: 'collector' | 'workers' | 'view' | 'watcher'
  readonly domain: number
  /** How the observers among the members are told apart. */
  readonly name: string
  /** Of `workers`: one participant each. */
  readonly workerIds?: readonly string[]
  /** What happens when the process that started it is gone, as the IPC channel tells. @default 'stay' */
  readonly orphaned?: 'leave' | 'stay'
  /** A kernel that tells nothing of anybody, as beyond a container's wall: silence decides then. @default 'tells' */
  readonly kernel?: 'blind' | 'tells'
  readonly options?: Pick<ParticipantOptions, 'leaseMs' | 'unreachableDeadAfterMs'>
}

export type Order =
  /** So many times in a row, with one turn of the loop between. */
  | { readonly do: 'block'; readonly phase: Phase; readonly ms: number; readonly times: number }
  | { readonly do: 'exit'; readonly code: number }
  | { readonly do: 'throw' }
  | { readonly do: 'tell-time' }
  /** Fills memory until the kernel steps in. */
  | { readonly do: 'hoard' }
  /** Closes in good order and ends. */
  | { readonly do: 'leave' }

/** A worker as an observer sees it, each time that its liveliness, cause, detail or process is another. */
export interface Sighting {
  readonly say: 'sighting'
  readonly workerId: string
  readonly pid: number
  readonly incarnation: number
  readonly liveliness: string
  readonly cause: string | null
  readonly detail: string | null
}

export type Word =
  /** With the incarnations of its participants. */
  | { readonly say: 'ready'; readonly pid: number; readonly incarnations: readonly number[] }
  | Sighting
  /** What the participant under a role holds of another participant. */
  | {
      readonly say: 'peer'
      readonly name: string
      readonly pid: number
      readonly incarnation: number
      readonly liveliness: string
      readonly cause: string | null
      readonly detail: string | null
    }
  /** The participant under a role doubts itself, or does no longer. */
  | { readonly say: 'health'; readonly kind: 'degraded' | 'recovered'; readonly reason: string | null }
  /** A view tells of a worker that it is judged otherwise than before. */
  | {
      readonly say: 'change'
      readonly workerId: string
      readonly pid: number
      readonly incarnation: number
      readonly after: string
      readonly mayReassign: boolean
    }
  | { readonly say: 'blocked'; readonly phase: Phase; readonly ms: number }
  | { readonly say: 'time'; readonly wallMs: number }
  | { readonly say: 'failed'; readonly message: string }

const spec = JSON.parse(process.argv[2] ?? '{}') as MemberSpec
const say = (word: Word): void => {
  // Whoever started it may be gone; then there is nobody to tell.
  if (process.connected) process.send?.(word, () => {})
}

const joined: Participant[] = []
const closers: (() => Promise<void>)[] = []

async function join(properties: Readonly<Record<string, string | number>>): Promise<Participant> {
  const participant = await joinDomain(
    { domain: spec.domain, name: spec.name, properties, ...spec.options },
    spec.kernel === 'blind' ? { probe: () => unknownReading } : {},
  )
  joined.push(participant)
  return participant
}

async function startCollector(): Promise<void> {
  const participant = await join({ role: 'collector', numaNode: 0 })
  observePeers(participant)
  const collector = await Collector.start(
    { numaNode: 0 },
    spec.kernel === 'blind' ? { participant, locator: { locate: seesNobody } } : { participant },
  )
  closers.push(() => collector.close())
  void collector.ended.then((conflict: NumacastError | undefined) => {
    if (conflict !== undefined) say({ say: 'failed', message: conflict.message })
  })
}

function seesNobody(): Location {
  return { pid: null, reason: 'not-visible', retryMs: null }
}

async function startWatcher(): Promise<void> {
  const participant = await join({ role: 'watcher' })
  observePeers(participant)
  participant.reader(workerState, { partition: upPartition(participant.identity.bootId, 0) })
}

async function startWorkers(): Promise<void> {
  for (const workerId of spec.workerIds ?? []) {
    const participant = await join({ role: 'worker', workerId, numaNode: 0 })
    const worker = await Worker.start({ workerId, numaNode: 0 }, { participant })
    closers.push(() => worker.close())
  }
}

async function startView(): Promise<void> {
  const participant = await join({ role: 'scheduler' })
  observePeers(participant)
  const view = FleetView.open(participant)
  const last = new Map<string, string>()
  const look = ({ workerId, pid, incarnation, liveliness, cause, detail }: Omit<Sighting, 'say'>): void => {
    const sighting: Sighting = { say: 'sighting', workerId, pid, incarnation, liveliness, cause, detail }
    const text = JSON.stringify(sighting)
    if (last.get(workerId) === text) return
    last.set(workerId, text)
    say(sighting)
  }
  // Each row as it comes, so that nothing between two looks is missed; and the whole, which also tells of rows whose
  // collector is gone.
  view.onChange((change) => {
    if (change.kind === 'liveliness') {
      const { workerId, pid, incarnation, after, mayReassign } = change
      say({ say: 'change', workerId, pid, incarnation, after: after.cause ?? after.liveliness, mayReassign })
    }
    if (change.kind === 'worker' && change.after?.liveliness === 'dead') look(change.after)
    for (const worker of view.status().workers) look(worker)
  })
  const looking = setInterval(() => {
    for (const worker of view.status().workers) look(worker)
  }, 50)
  closers.push(async () => {
    clearInterval(looking)
    view.close()
  })
}

function observePeers(participant: Participant): void {
  participant.onHealth(({ kind, health: { reason } }) => say({ say: 'health', kind, reason }))
  participant.onPeer(({ kind, peer }) => {
    if (kind === 'left') return
    const { name, identity, incarnation, verdict } = peer
    const { liveliness, cause, detail } = verdict
    say({ say: 'peer', name, pid: identity.pid, incarnation, liveliness, cause, detail })
  })
}

async function leave(): Promise<void> {
  await Promise.all(closers.map((close) => close()))
  await Promise.all(joined.map((participant) => participant.close()))
  process.exit(0)
}

function obey(order: Order): void {
  switch (order.do) {
    case 'block':
      void suffer(order)
      break
    case 'exit':
      process.exit(order.code)
      break
    case 'throw':
      setTimeout(() => {
        throw new Error('as a test has asked for')
      }, 1)
      break
    case 'tell-time':
      say({ say: 'time', wallMs: Date.now() })
      break
    case 'hoard':
      hoard()
      break
    case 'leave':
      void leave()
      break
  }
}

async function suffer({ phase, ms, times }: Order & { do: 'block' }): Promise<void> {
  let blockedMs = 0
  for (let time = 0; time < times; time++) blockedMs += await block(phase, ms)
  say({ say: 'blocked', phase, ms: blockedMs })
}

function hoard(): void {
  const held: Buffer[] = []
  setInterval(() => held.push(Buffer.alloc(4 * 1024 * 1024, 1)), 1)
}

process.on('message', obey)
process.on('disconnect', () => {
  if (spec.orphaned === 'leave') void leave()
})
await { collector: startCollector, workers: startWorkers, view: startView, watcher: startWatcher }[spec.role]()
say({ say: 'ready', pid: process.pid, incarnations: joined.map(({ incarnation }) => incarnation) })
