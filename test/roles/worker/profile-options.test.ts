import t from 'tap'
import {
  type ProfileOptions,
  type ProfileUpdate,
  publishedProfile,
  resolveProfile,
  updatedProfile,
} from '../../../src/roles/worker/profile-options.js'
import type { MachineFacts } from '../../../src/roles/worker/readings/machine-facts.js'
import { readMachineFacts } from '../../../src/roles/worker/readings/machine-facts.js'
import { resolveWorkerOptions } from '../../../src/roles/worker/resolve-worker-options.js'

const machine: MachineFacts = { cpuModel: 'EPYC 9654', isBoundTo: (node) => node === 1 }
const place = { host: 'h', numaNode: 1 }
const process = { workerId: 'w', incarnation: 7 }

t.test('without options a profile is empty, with fixed admission and the labels of the machine', (t) => {
  t.strictSame(publishedProfile(resolveProfile({}), process, place, machine), {
    workerId: 'w',
    incarnation: 7,
    capabilities: [],
    tags: [],
    labels: { 'numacast.io/host': 'h', 'numacast.io/numa-node': '1', 'numacast.io/cpu-model': 'EPYC 9654' },
    taints: [],
    queues: [],
    admission: { kind: 'fixed' },
    residents: [],
    shards: [],
    numaBound: true,
  })
  t.end()
})

t.test('what is stated is published, names once', (t) => {
  const profile = resolveProfile({
    capabilities: ['inference:llm:ollama@1', 'transcode@2', 'transcode@2'],
    tags: ['region=eu', 'gpu', 'gpu'],
    labels: { rack: '7' },
    taints: [
      { key: 'spot', effect: 'PreferNoSchedule' },
      { key: 'gpu', value: 'a100', effect: 'NoExecute' },
      { key: 'old', effect: 'no-schedule' },
    ],
    queues: ['media', 'media'],
    admission: { kind: 'vram-budget', vramBudgetBytes: 2 ** 34 },
    residents: ['llama', 'llama'],
    shards: ['s1'],
    zone: 'eu-1',
    numaBound: false,
  })
  t.match(publishedProfile(profile, process, place, { ...machine, cpuModel: null }), {
    capabilities: ['inference:llm:ollama@1', 'transcode@2'],
    tags: ['region=eu', 'gpu'],
    labels: { rack: '7', 'numacast.io/zone': 'eu-1' },
    taints: [
      { key: 'spot', value: '', effect: 'prefer-no-schedule' },
      { key: 'gpu', value: 'a100', effect: 'no-execute' },
      { key: 'old', value: '', effect: 'no-schedule' },
    ],
    queues: ['media'],
    admission: { kind: 'vram-budget', vramBudgetBytes: 2 ** 34 },
    residents: ['llama'],
    shards: ['s1'],
    numaBound: false,
  })
  t.notOk('numacast.io/cpu-model' in publishedProfile(profile, process, place, { ...machine, cpuModel: null }).labels)
  t.end()
})

t.test('an option that is not acceptable is refused, and the message names it', (t) => {
  const cases: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{ capabilities: ['transcode'] }, /worker option capabilities\.0: must be kind@version, as in transcode@2/],
    [{ capabilities: ['a@1', ':a@1'] }, /capabilities\.1: must be kind@version/],
    [{ capabilities: ['a:b@1@2'] }, /capabilities\.0/],
    [{ capabilities: ['a b@1'] }, /capabilities\.0/],
    [{ capabilities: [7] }, /capabilities\.0: must be a text/],
    [{ tags: [''] }, /tags\.0: must be a text of 1 to 256 characters/],
    [{ tags: Array.from({ length: 65 }, (_, index) => `t${index}`) }, /worker option tags/],
    [
      { labels: { 'numacast.io/host': 'x' } },
      /labels\.numacast\.io\/host: keys with numacast\.io\/ are set by numacast/,
    ],
    [{ labels: { '': 'x' } }, /labels: a key must not be empty/],
    [{ labels: Object.fromEntries(Array.from({ length: 61 }, (_, i) => [`k${i}`, ''])) }, /labels: more than 60/],
    [{ taints: [{ key: 'a', effect: 'noSchedule' }] }, /taints\.0\.effect: must be no-schedule, .*NoSchedule/],
    [{ taints: [{ effect: 'NoSchedule' }] }, /taints\.0\.key/],
    [{ taints: [{ key: 'a', effect: 'NoSchedule', values: '' }] }, /taints\.0.*values/],
    [{ admission: { kind: 'vram' } }, /worker option admission\.kind/],
    [{ admission: { kind: 'vram-budget' } }, /admission\.vramBudgetBytes/],
    [{ admission: { kind: 'vram-budget', vramBudgetBytes: 0 } }, /admission\.vramBudgetBytes/],
    [{ residents: 'llama' }, /worker option residents/],
    [{ shards: [''] }, /shards\.0/],
    [{ zone: '' }, /worker option zone/],
    [{ numaBound: 'yes' }, /worker option numaBound/],
  ]
  for (const [options, message] of cases) {
    const expected = { code: 'NUMACAST_INVALID_ARGUMENT', message }
    t.throws(() => resolveProfile(options as ProfileOptions), expected, JSON.stringify(options).slice(0, 60))
    t.throws(() => resolveWorkerOptions({ workerId: 'w', ...(options as ProfileOptions) }), expected)
  }
  t.throws(() => resolveWorkerOptions({ workerId: '' }), { message: /worker option workerId/ })
  t.end()
})

t.test('an update replaces what it states and leaves the rest', (t) => {
  const before = resolveProfile({ tags: ['a'], labels: { rack: '7' }, queues: ['q'], zone: 'z', numaBound: true })
  const after = updatedProfile(before, { tags: ['b', 'b'], residents: ['llama'] })
  t.strictSame(after, { ...before, tags: ['b'], residents: ['llama'] })
  t.equal(after.queues, before.queues, 'the very same where nothing is stated')
  t.strictSame(before.tags, ['a'], 'the earlier one is as it was')
  t.strictSame(updatedProfile(after, { tags: [], labels: {} }), { ...after, tags: [], labels: {} })
  const refused: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{ capabilities: ['x'] }, /worker update capabilities\.0: must be kind@version/],
    [{ zone: 'b' }, /worker update.*zone/],
    [{ labels: { 'numacast.io/x': '' } }, /worker update labels\.numacast\.io\/x/],
  ]
  for (const [update, message] of refused) {
    t.throws(() => updatedProfile(before, update as ProfileUpdate), { code: 'NUMACAST_INVALID_ARGUMENT', message })
  }
  t.end()
})

t.test('this machine tells the model of its CPUs and which nodes hold them all', (t) => {
  const facts = readMachineFacts()
  t.ok(facts.cpuModel === null || facts.cpuModel.length > 0)
  t.equal(facts.isBoundTo(9_999), false, 'a node that does not exist')
  t.end()
})
