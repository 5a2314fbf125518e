import t from 'tap'
import { seededRandom } from '../../../src/core/random.js'
import { workerState } from '../../../src/plane/worker/worker-state.js'
import { defineTopic } from '../../../src/pubsub/model/topic.js'
import type { Participant } from '../../../src/pubsub/participant.js'
import { describeExit, KernelWatch, type WatchProcess } from '../../../src/roles/node/kernel-watch.js'
import { BlockableLoop } from '../../../src/testing/blockable-loop.js'
import { MemoryPlane } from '../../../src/testing/memory-plane.js'
import { ProcessLocator } from '../../../src/topology/process/process-locator.js'
import { processStartTime } from '../../../src/topology/process/process-state.js'
import type { ProcessExit } from '../../../src/topology/process/process-watch.js'

const began = processStartTime(process.pid)

const killed: ProcessExit = {
  cause: 'killed',
  exitCode: null,
  signal: 'SIGKILL',
  coreDumped: false,
  evidence: 'pidfd',
  atMs: 0,
}

t.test('describeExit puts the kernel’s report into words', (t) => {
  t.equal(describeExit(killed), 'SIGKILL')
  t.equal(describeExit(killed, true), 'SIGKILL, out of memory')
  t.equal(describeExit({ ...killed, signal: 'SIGSEGV', coreDumped: true }), 'SIGSEGV, core dumped')
  t.equal(describeExit({ ...killed, cause: 'exited', exitCode: 3, signal: null }), 'exit code 3')
  t.equal(describeExit({ ...killed, cause: 'unknown', signal: null }), 'gone; the kernel does not report how')
  t.equal(describeExit({ ...killed, cause: 'unknown', signal: null }, true), 'gone; an OOM kill in its cgroup')
  t.end()
})

t.test('processes of the own PID namespace are watched once each, and their end is reported', async (t) => {
  const plane = new MemoryPlane()
  const observer = await plane.join('observer')
  observer.reader(workerState)
  const near = await plane.join('near')
  const contained = await plane.join('contained', {}, { pidNamespace: 2 })
  const far = await plane.join('far', {}, { bootId: 'another' })
  const same = await plane.join('same', {}, { pid: observer.identity.pid })
  for (const peer of [near, contained, far, same]) peer.writer(workerState)
  await plane.clock.advance(1_000)

  const watched: number[] = []
  let end: ((exit: ProcessExit) => void) | undefined
  let closed = 0
  const watchProcess: WatchProcess = ({ pid }, onExit) => {
    watched.push(pid)
    end = onExit
    return { close: () => void closed++ }
  }
  const kernel = new KernelWatch(observer, { watchProcess })
  for (const { guid } of [near, near, contained, far, same]) kernel.watch(guid)
  t.strictSame(watched, [near.identity.pid])
  t.equal(observer.counters.get('kernel-watch.skipped.not-visible'), 1)

  const left: unknown[] = []
  observer.onPeer(({ kind, peer }) => kind === 'left' && left.push(peer.verdict))
  end?.(killed)
  await plane.clock.advance(0)
  t.match(left, [{ liveliness: 'dead', cause: 'killed', detail: 'SIGKILL' }])
  t.equal(closed, 1)
  t.equal(kernel.size, 0)
  kernel.close()
  await plane.close()
})

t.test('another start time at the pid of a peer is not a death, and its lease decides', async (t) => {
  const plane = new MemoryPlane()
  const observer = await plane.join('observer')
  observer.reader(workerState)
  const restored = await plane.join('restored')
  restored.writer(workerState)
  await plane.clock.advance(1_000)
  let end: ((exit: ProcessExit) => void) | undefined
  const watchProcess: WatchProcess = (target, onExit) => {
    t.equal(target.isAlive, true, 'its frames have just arrived')
    end = onExit
    return { close() {} }
  }
  const kernel = new KernelWatch(observer, { watchProcess })
  kernel.watch(restored.guid)
  end?.({ ...killed, cause: 'unknown', signal: null, evidence: 'other-start-time' })
  await plane.clock.advance(1_000)
  t.match(observer.peer(restored.guid)?.verdict, { liveliness: 'alive' })
  t.equal(observer.counters.get('kernel-watch.skipped.other-start-time'), 1)
  t.equal(kernel.size, 0)
  kernel.close()
  await plane.close()
})

t.test('a watch that fails to open is counted, and opened later', async (t) => {
  const plane = new MemoryPlane()
  const observer = await plane.join('observer')
  observer.reader(workerState)
  const peer = await plane.join('peer')
  peer.writer(workerState)
  await plane.clock.advance(1_000)
  let opened = 0
  const watchProcess: WatchProcess = () => {
    const status = ++opened < 3 ? { state: 'unavailable' as const, reason: 'EMFILE' } : { state: 'watching' as const }
    return { status, close() {} }
  }
  const kernel = new KernelWatch(observer, { watchProcess })
  kernel.watch(peer.guid)
  t.equal(observer.counters.get('kernel-watch.unavailable'), 1)
  await plane.clock.advance(15_000)
  t.equal(opened, 3)
  t.equal(observer.counters.get('kernel-watch.unavailable'), 2)
  t.equal(kernel.size, 1)
  kernel.close()
  await plane.close()
})

const looking = { skip: began !== null ? false : 'start times come from the addon' }
t.test('a process that began after the last scan is found by the next scan', looking, async (t) => {
  const plane = new MemoryPlane()
  const observer = await plane.join('observer')
  observer.reader(workerState)
  // Their own pids, and the pids that the kernel lists. Any live process serves.
  const contained = async (name: string, pidNamespace: number): Promise<Participant> => {
    const peer = await plane.join(name, {}, { pidNamespace, startTimeTicks: began })
    peer.writer(workerState)
    await plane.clock.advance(200)
    return peer
  }
  const nested = new Map<string, number[]>()
  let looks = 0
  const locator = new ProcessLocator({
    nowMs: () => plane.clock.nowMs(),
    ownNamespace: 1,
    listNested: () => {
      looks++
      return new Map(nested)
    },
  })
  const watched: number[] = []
  const watchProcess: WatchProcess = ({ pid }) => {
    watched.push(pid)
    return { close() {} }
  }
  const kernel = new KernelWatch(observer, { locator, watchProcess })

  const elsewhere = await contained('elsewhere', 2)
  kernel.watch(elsewhere.guid)
  t.equal(looks, 1)
  const late = await contained('late', 3)
  const gone = await contained('gone', 4)
  nested.set(`3 ${late.identity.pid}`, [process.pid])
  for (const { guid } of [late, late, gone]) kernel.watch(guid)
  t.equal(looks, 1, 'no scan before the interval has passed')
  t.equal(kernel.size, 2, 'the next scan looks for both')
  kernel.unwatch(gone.guid)
  await plane.clock.advance(1_000)
  t.equal(looks, 2)
  t.strictSame(watched, [process.pid], 'without another call of watch()')
  t.equal(observer.counters.get('kernel-watch.skipped.not-visible'), 1, 'only the first is not visible')

  const last = await contained('last', 5)
  kernel.watch(last.guid)
  t.equal(kernel.size, 2)
  kernel.close()
  await plane.clock.advance(5_000)
  t.equal(looks, 2, 'closed')
  await plane.close()
  t.equal(plane.clock.pendingTimers, 0)
})

t.test('a possible OOM kill is looked up once, before the cgroup of the process is gone', async (t) => {
  const plane = new MemoryPlane()
  const observer = await plane.join('observer')
  observer.reader(workerState)
  const exits: readonly [name: string, exit: ProcessExit, counted: boolean, detail: string, asked: number][] = [
    ['killed, counted', killed, true, 'SIGKILL, out of memory', 1],
    ['killed, not counted', killed, false, 'SIGKILL', 1],
    ['another signal', { ...killed, signal: 'SIGTERM' }, true, 'SIGTERM', 0],
    ['an exit', { ...killed, cause: 'exited', signal: null, exitCode: 137 }, true, 'exit code 137', 0],
    ['unknown', { ...killed, cause: 'unknown', signal: null }, true, 'gone; an OOM kill in its cgroup', 1],
  ]
  for (const [name, exit, counted, detail, asked] of exits) {
    const peer = await plane.join(name)
    peer.writer(workerState)
    await plane.clock.advance(1_000)
    const calls: string[] = []
    let end: ((exit: ProcessExit) => void) | undefined
    const kernel = new KernelWatch(observer, {
      watchProcess: (_target, onExit) => {
        calls.push('watch')
        end = onExit
        return { close() {} }
      },
      oomKills: {
        follow: (pid) => {
          calls.push(`follow ${pid === peer.identity.pid}`)
          return {
            claim: () => {
              calls.push('claim')
              return counted
            },
            close: () => void calls.push('close'),
          }
        },
      },
    })
    kernel.watch(peer.guid)
    const left: unknown[] = []
    const peers = observer.onPeer(({ kind, peer }) => kind === 'left' && left.push(peer.verdict.detail))
    end?.(exit)
    t.strictSame(calls, ['follow true', 'watch', ...(asked === 1 ? ['claim'] : []), 'close'], name)
    await plane.clock.advance(0)
    t.strictSame(left, [detail], name)
    peers.close()
    kernel.close()
  }
  await plane.close()
})

t.test('the end of a process before its watch opens is reported', async (t) => {
  const plane = new MemoryPlane()
  const observer = await plane.join('observer')
  observer.reader(workerState)
  const peer = await plane.join('peer')
  peer.writer(workerState)
  await plane.clock.advance(1_000)
  let closed = 0
  const watchProcess: WatchProcess = (_target, onExit) => {
    onExit(killed)
    return { close: () => void closed++ }
  }
  const kernel = new KernelWatch(observer, { watchProcess })
  kernel.watch(peer.guid)
  await plane.clock.advance(0)
  t.equal(observer.peer(peer.guid), undefined)
  t.equal(closed, 1, 'the watch that opened too late is closed')
  t.equal(kernel.size, 0)
  await plane.close()
})

t.test('the last samples of a process are read before it is declared dead', async (t) => {
  const plane = new MemoryPlane()
  const note = defineTopic<{ id: string; n: number }>({ name: 'note', key: 'id', fields: ['id', 'n'] })
  const observer = await plane.join('observer')
  const reader = observer.reader(note)
  const peer = await plane.join('peer')
  const writer = peer.writer(note)
  await plane.settle(reader.synced())
  await plane.clock.advance(1_000)
  const { kernel, end } = watchedByHand(observer)
  kernel.watch(peer.guid)
  writer.write({ id: 'last', n: 1 })
  writer.flush()
  end(killed)
  await plane.clock.advance(10)
  t.equal(observer.peer(peer.guid), undefined)
  t.match(reader.get('last'), { instanceState: 'no-writers', value: { n: 1 } })
  kernel.watch(peer.guid)
  kernel.close()
  await plane.close()
})

t.test('a goodbye is read before the verdict, however many frames precede it', async (t) => {
  const plane = new MemoryPlane()
  const note = defineTopic<{ id: string; n: number }>({ name: 'note', key: 'id', fields: ['id', 'n'] })
  const loop = new BlockableLoop(plane.clock, seededRandom(1))
  const observer = await plane.join('observer', {}, {}, loop)
  const reader = observer.reader(note)
  const peer = await plane.join('peer')
  const writer = peer.writer(note)
  await plane.settle(reader.synced())
  await plane.clock.advance(1_000)
  const { kernel, end } = watchedByHand(observer)
  kernel.watch(peer.guid)
  const left: unknown[] = []
  observer.onPeer(({ kind, peer }) => kind === 'left' && left.push(peer.verdict))
  loop.block(100)
  for (let n = 0; n < 500; n++) {
    writer.write({ id: 'k', n })
    writer.flush()
  }
  await plane.settle(peer.close())
  end({ ...killed, cause: 'exited', signal: null, exitCode: 0 })
  await plane.clock.advance(200)
  t.match(left, [{ liveliness: 'dead', cause: 'goodbye' }])
  t.equal(kernel.size, 0)
  t.match(reader.get('k'), { value: { n: 499 } })
  kernel.close()
  await plane.close()
})

/** Opens a watch whose process ends when the test calls `end`. */
function watchedByHand(observer: Participant): { kernel: KernelWatch; end(exit: ProcessExit): void } {
  let tell: (exit: ProcessExit) => void = () => undefined
  const kernel = new KernelWatch(observer, {
    watchProcess: (_target, onExit) => {
      tell = onExit
      return { close() {} }
    },
  })
  return { kernel, end: (exit) => tell(exit) }
}
