import t from 'tap'
import {
  type Arrival,
  emptySample,
  fillSample,
  type HeldSample,
  type IncomingChange,
} from '../../src/cache/instance.js'
import { InstanceRow } from '../../src/cache/instance-row.js'
import { SampleQueue } from '../../src/cache/sample-queue.js'
import type { EntityGuid } from '../../src/core/ids.js'

const writer = 'a.1' as EntityGuid

function at(nowMs: number): Arrival {
  return { nowMs, wallMs: 0 }
}

function change(key: string, seq: number): IncomingChange {
  const bytes = Buffer.from(`${seq}`)
  return {
    key,
    disposed: false,
    outOfView: false,
    token: { writer, seq },
    via: writer,
    viaSeq: seq,
    originTimeMs: seq,
    sourceTimeMs: seq,
    bytes,
    start: 0,
    end: bytes.length,
    fields: [],
    value: undefined,
  }
}

function newQueue(depth: number, maxSamples = Infinity, maxSamplesPerInstance = Infinity): SampleQueue {
  return new SampleQueue({ depth, maxSamples, maxSamplesPerInstance })
}

function write(queue: SampleQueue, row: InstanceRow, seq: number): HeldSample {
  if (queue.hasHistory) row.shown = emptySample(writer)
  fillSample(row.shown, change(row.key, seq), at(seq))
  return queue.push(row, true)
}

function seqs(queue: SampleQueue, row: InstanceRow): number[] {
  return [...queue.samplesOf(row)].map(({ seq, validData }) => (validData ? seq : -seq))
}

t.test('keep-last: the oldest samples make room', (t) => {
  const queue = newQueue(3)
  const row = new InstanceRow(change('k', 1))
  for (let seq = 1; seq <= 5; seq++) write(queue, row, seq)
  t.same(seqs(queue, row), [3, 4, 5])
  t.equal(queue.size, 3)
  queue.push(row, false)
  t.same(seqs(queue, row), [3, 4, 5, -5], 'an end displaces no sample')
  queue.push(row, false)
  t.same(seqs(queue, row), [3, 4, 5, -5], 'a second end adds nothing')
  write(queue, row, 6)
  t.same(seqs(queue, row), [4, 5, -5, 6])
  t.equal(queue.size, 4)
  t.end()
})

t.test('depth 1: the current value is the sample', (t) => {
  const queue = newQueue(1)
  const row = new InstanceRow(change('k', 1))
  t.same(seqs(queue, row), [])
  const held = write(queue, row, 1)
  t.equal(held, row)
  write(queue, row, 2)
  t.same(seqs(queue, row), [2])
  t.equal(queue.size, 1)
  queue.push(row, false)
  t.same(seqs(queue, row), [2], 'its state changed before it was read: it is still data')
  t.equal(queue.take(row, row), true)
  t.equal(queue.take(row, row), false)
  queue.push(row, false)
  t.same(seqs(queue, row), [-2], 'now only the state is new')
  t.end()
})

t.test('limitOf names the limit that a further sample would exceed', (t) => {
  const queue = newQueue(Infinity, 4, 3)
  const [one, two] = [new InstanceRow(change('one', 1)), new InstanceRow(change('two', 1))]
  t.equal(queue.limitOf(undefined), undefined)
  const first = write(queue, one, 1)
  for (const seq of [2, 3]) write(queue, one, seq)
  t.equal(queue.limitOf(one), 'maxSamplesPerInstance')
  t.equal(queue.limitOf(two), undefined)
  write(queue, two, 4)
  t.equal(queue.limitOf(two), 'maxSamples')
  t.equal(queue.limitOf(undefined), 'maxSamples')
  queue.take(one, first)
  t.equal(queue.limitOf(one), undefined)
  t.same(seqs(queue, one), [2, 3])
  t.equal(newQueue(2, 2).limitOf(undefined), undefined)

  const last = newQueue(2, 2, 2)
  for (const seq of [1, 2]) write(last, two, seq)
  t.equal(last.limitOf(two), undefined, 'keep-last replaces')
  t.end()
})

t.test('waiting and unread instances are listed in order of waiting', (t) => {
  for (const depth of [1, 5]) {
    const queue = newQueue(depth)
    const rows = ['a', 'b', 'c'].map((key) => new InstanceRow(change(key, 1)))
    const [a, b, c] = rows as [InstanceRow, InstanceRow, InstanceRow]
    const keys = (unread: boolean): string => [...queue.waiting(rows, unread)].map(({ key }) => key).join('')
    write(queue, a, 1)
    write(queue, b, 2)
    t.equal(keys(false), 'ab')
    write(queue, c, 3)
    for (const held of queue.samplesOf(a)) held.read = true
    queue.updateUnread(a)
    t.equal(keys(false), 'abc')
    t.equal(keys(true), 'bc')
    write(queue, a, 4)
    t.equal(keys(true), 'bca')
    for (const held of queue.samplesOf(b)) queue.take(b, held)
    t.equal(keys(false), 'ac')
    t.equal(queue.removeInstance(a), 1, 'one unread value')
    t.equal(keys(false), 'c')
    t.equal(queue.size, 1)
    t.equal(queue.expire(c, 3), 0)
    t.equal(queue.expire(c, 4), 1)
    t.equal(queue.size, 0)
  }
  t.end()
})
