// One process of a fleet under test. It reports over the IPC channel what it observes, and suffers what it is told to.
// Started by MemberProcess.
import { setTimeout as delay } from 'node:timers/promises'
import { closeAll, closeTogether } from '../../core/close-all.js'
import type { NumacastError } from '../../core/errors.js'
import { unknownReading } from '../../liveliness/process-reading.js'
import { upPartition } from '../../plane/vocabulary/partitions.js'
import { workerState } from '../../plane/worker/worker-state.js'
import { joinDomain, type Participant } from '../../pubsub/participant.js'
import { Collector, type CollectorComponents } from '../../roles/collector/collector.js'
import { Worker } from '../../roles/worker/worker.js'
// Loaded also if no worker starts: the memory of a process without workers is the baseline of those with some.
import '../../roles/worker/open-worker-engine.js'
import type { Location } from '../../topology/process/process-locator.js'
import { FleetView } from '../../views/fleet-view.js'
import { idleZone } from '../idle-readings.js'
import { blockLoop } from './blocked-loop.js'
import type { MemberCommand, MemberReport, MemberSpec, Sighting } from './member-spec.js'
import { PeerRole } from './peer-role.js'
import { UsageMeter } from './process-usage.js'

const spec = JSON.parse(process.argv[2] ?? '{}') as MemberSpec
const numaNode = spec.numaNode ?? 0
const report = (message: MemberReport): void => {
  // The process that started this one may have ended.
  if (process.connected) process.send?.(message, () => {})
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
  const participant = await join({ role: 'collector', numaNode })
  observePeers(participant)
  const components: CollectorComponents = {
    participant,
    ...(spec.kernel === 'blind' && { locator: { locate: seesNoProcess } }),
    ...(spec.zone === 'idle' && { openReadings: () => ({ read: () => idleZone, close() {} }) }),
  }
  const collector = await Collector.start({ numaNode }, components)
  closers.push(() => collector.close())
  void collector.ended.then((conflict: NumacastError | undefined) => {
    if (conflict !== undefined) report({ kind: 'failed', message: conflict.message })
  })
}

function seesNoProcess(): Location {
  return { pid: null, reason: 'not-visible', retryMs: null }
}

async function startWatcher(): Promise<void> {
  const participant = await join({ role: 'watcher' })
  observePeers(participant)
  participant.reader(workerState, { partition: upPartition(participant.identity.bootId, numaNode) })
}

async function startWorkers(): Promise<void> {
  for (const workerId of spec.workerIds ?? []) {
    const participant = await join({ role: 'worker', workerId, numaNode })
    const worker = await Worker.start({ workerId, numaNode }, { participant })
    closers.push(() => worker.close())
  }
}

async function startView(): Promise<void> {
  const participant = await join({ role: 'scheduler' })
  observePeers(participant)
  const view = FleetView.open(participant)
  const last = new Map<string, string>()
  const look = ({ workerId, pid, incarnation, liveliness, cause, detail }: Omit<Sighting, 'kind'>): void => {
    const sighting: Sighting = { kind: 'sighting', workerId, pid, incarnation, liveliness, cause, detail }
    const text = JSON.stringify(sighting)
    if (last.get(workerId) === text) return
    last.set(workerId, text)
    report(sighting)
  }
  // Each change as it comes, so that no state is missed; and all rows, because a row may change without an event.
  view.onChange((change) => {
    if (change.kind === 'liveliness') {
      const { workerId, pid, incarnation, after, mayReassign } = change
      report({ kind: 'change', workerId, pid, incarnation, after: after.cause ?? after.liveliness, mayReassign })
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

let peerRole: PeerRole | undefined

async function startPeer(): Promise<void> {
  peerRole = await PeerRole.join(spec)
  joined.push(peerRole.participant)
  observePeers(peerRole.participant)
}

function observePeers(participant: Participant): void {
  participant.onHealth(({ kind, health: { reason } }) => report({ kind: 'health', change: kind, reason }))
  participant.onPeer(({ kind, peer }) => {
    if (kind === 'left') return
    const { name, identity, incarnation, verdict } = peer
    const { liveliness, cause, detail } = verdict
    report({ kind: 'peer', name, pid: identity.pid, incarnation, liveliness, cause, detail })
  })
}

async function leave(): Promise<void> {
  await closeAll([
    () => closeTogether(closers),
    () => closeTogether(joined.map((participant) => () => participant.close())),
  ])
  process.exit(0)
}

function runCommand(command: MemberCommand): void {
  switch (command.do) {
    case 'block':
      void blockRepeatedly(command)
      break
    case 'exit':
      process.exit(command.code)
      break
    case 'throw':
      setTimeout(() => {
        throw new Error('the test asked for this error')
      }, 1)
      break
    case 'tell-time':
      report({ kind: 'time', wallMs: Date.now() })
      break
    case 'write':
      void peerRole?.write(command.changes).then(() => report({ kind: 'wrote' }))
      break
    case 'tell-state':
      if (peerRole !== undefined) report({ kind: 'state', state: peerRole.state() })
      break
    case 'measure':
      void measure(command.ms)
      break
    case 'hoard':
      allocateMemory()
      break
    case 'leave':
      void leave()
      break
  }
}

async function blockRepeatedly({ phase, ms, times }: MemberCommand & { do: 'block' }): Promise<void> {
  let blockedMs = 0
  for (let time = 0; time < times; time++) blockedMs += await blockLoop(phase, ms)
  report({ kind: 'blocked', phase, ms: blockedMs })
}

async function measure(ms: number): Promise<void> {
  const meter = new UsageMeter()
  await delay(ms)
  report({ kind: 'usage', usage: meter.read() })
}

function allocateMemory(): void {
  const held: Buffer[] = []
  setInterval(() => held.push(Buffer.alloc(4 * 1024 * 1024, 1)), 1)
}

process.on('message', runCommand)
process.on('disconnect', () => {
  if (spec.orphaned === 'leave') void leave()
})
const start = {
  collector: startCollector,
  peer: startPeer,
  view: startView,
  watcher: startWatcher,
  workers: startWorkers,
}
await start[spec.role]()
report({ kind: 'ready', pid: process.pid, incarnations: joined.map(({ incarnation }) => incarnation) })
