// One process of a fleet under test. It reports over the IPC channel what it observes, and suffers what it is told to.
// Started by MemberProcess.
import { closeAll, closeTogether } from '../../core/close-all.js'
import type { NumacastError } from '../../core/errors.js'
import { unknownReading } from '../../liveliness/process-reading.js'
import { upPartition } from '../../plane/partitions.js'
import { workerState } from '../../plane/worker-state.js'
import { joinDomain, type Participant } from '../../pubsub/participant.js'
import { Collector } from '../../roles/collector/collector.js'
import { Worker } from '../../roles/worker/worker.js'
import type { Location } from '../../topology/process/process-locator.js'
import { FleetView } from '../../views/fleet-view.js'
import { blockLoop } from './blocked-loop.js'
import type { MemberCommand, MemberReport, MemberSpec, Sighting } from './member-spec.js'

const spec = JSON.parse(process.argv[2] ?? '{}') as MemberSpec
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
  const participant = await join({ role: 'collector', numaNode: 0 })
  observePeers(participant)
  const collector = await Collector.start(
    { numaNode: 0 },
    spec.kernel === 'blind' ? { participant, locator: { locate: seesNoProcess } } : { participant },
  )
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

function obey(command: MemberCommand): void {
  switch (command.do) {
    case 'block':
      void suffer(command)
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
    case 'hoard':
      hoard()
      break
    case 'leave':
      void leave()
      break
  }
}

async function suffer({ phase, ms, times }: MemberCommand & { do: 'block' }): Promise<void> {
  let blockedMs = 0
  for (let time = 0; time < times; time++) blockedMs += await blockLoop(phase, ms)
  report({ kind: 'blocked', phase, ms: blockedMs })
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
report({ kind: 'ready', pid: process.pid, incarnations: joined.map(({ incarnation }) => incarnation) })
