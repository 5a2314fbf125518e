import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { addonStatus } from '../../../src/topology/addon/addon.js'
import { requirement } from '../../support/requirement.js'

const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..', '..', 'src', 'topology')

/** Runs code in a new process with this `NUMACAST_ADDON`. Every export of src/topology is in scope. */
function evaluate(addon: string, expression: string): unknown {
  const files = [
    'addon/addon', 'numa/topology', 'cgroup/headroom', 'cgroup/headroom-sampler', 'process/process-watch',
    'process/process-state', 'cgroup/pressure-watch', 'cgroup/cgroup-events-watch', 'numa/placement',
    'host/host-identity',
  ] // biome-ignore format: a list
  const code = `
    const all = {}
    for (const file of ${JSON.stringify(files)}) Object.assign(all, await import(${JSON.stringify(`${folder}/`)} + file + '.js'))
    console.log(JSON.stringify(await (async (all) => (${expression}))(all)))`
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', code], {
    encoding: 'utf8',
    env: { ...process.env, NUMACAST_ADDON: addon },
  })
  return JSON.parse(out)
}

t.test('with the addon, its status is available', async (t) => {
  const status = addonStatus()
  requirement(t, 'the native addon', status.available, status.available ? '' : status.reason)
})

t.test('without the addon every function returns the reason', async (t) => {
  const without = (expression: string) => evaluate('none', expression)
  t.match(without('all.addonStatus()'), { available: false, reason: /NUMACAST_ADDON=none/ })
  t.match(without('all.readTopology()'), {
    source: 'os',
    nodes: [{ id: 0, memoryTotalBytes: Number }],
    distances: null,
    warnings: [{ code: 'addon-unavailable' }],
  })
  t.match(
    without('all.readTopology({ root: "/proc" })'),
    { nodes: { length: 0 }, warnings: [{ code: 'addon-unavailable', message: /proc was not read/ }] },
    'this machine is not read in place of a captured one',
  )
  t.match(without('all.readHeadroom()'), {
    layout: 'none',
    ancestorsVisible: 'unknown',
    memory: { limit: { state: 'unknown', reason: 'unsupported' }, safeHeadroomBytes: null },
    cpu: { quotaCpus: { state: 'unknown' }, effectiveCpus: null },
    warnings: [{ code: 'addon-unavailable', message: /NUMACAST_ADDON=none/ }],
  })
  const unavailable = { state: 'unavailable', reason: /NUMACAST_ADDON=none/ }
  t.match(without('all.watchProcess({ pid: process.pid }, () => {}).status'), unavailable)
  const trigger = "{ resource: 'cpu', kind: 'some', stallUs: 1, windowUs: 2000000 }"
  t.match(without(`all.watchPressure(${trigger}, () => {}).status`), unavailable)
  t.match(without("all.watchCgroupEvents({ file: 'cgroup.events' }, () => {}).status"), unavailable)
  t.same(without('[all.currentCpu(), all.currentNode(), all.getAffinity(), all.processStartTime(process.pid)]'), [
    null,
    null,
    null,
    null,
  ])
  t.match(without("[all.setAffinity([0]), all.setMempolicy('default'), all.pinToNode(0)]"), [
    { applied: false, reason: /none/ },
    { applied: false },
    { cpus: { applied: false }, memory: null },
  ])
  t.same(without('Number.isNaN(all.openHeadroomSampler().sample().memoryCurrentBytes)'), true)
})

t.test('a missing or broken addon yields a reason, not an exception', async (t) => {
  t.match(evaluate('/nowhere/numacast.node', 'all.addonStatus()'), { available: false, reason: String })
  const other = path.join(t.testdir({ 'other.cjs': 'exports.interfaceVersion = 1' }), 'other.cjs')
  t.match(evaluate(other, 'all.addonStatus()'), { available: false, reason: /compiled from another version/ })
  const broken = path.join(t.testdir({ 'broken.node': 'this is no addon' }), 'broken.node')
  t.match(evaluate(broken, 'all.addonStatus()'), { available: false, reason: /broken\.node could not be loaded/ })
})
