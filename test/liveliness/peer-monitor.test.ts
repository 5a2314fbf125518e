import t from 'tap'
import { PeerMonitor } from '../../src/liveliness/peer-monitor.js'
import type { ProcessProbe } from '../../src/liveliness/verdict.js'

const terms = { leaseMs: 3000, intervalMs: 500, sameHost: true }
function told({ verdict }: PeerMonitor): string {
  return [verdict.liveliness, verdict.cause, verdict.sinceMs].filter((part) => part !== null).join(' ')
}

t.test('silence, and what the kernel says of it', (t) => {
  const cases: [ProcessProbe, boolean, number, string][] = [
    ['unknown', true, 1500, 'alive 0'],
    ['unknown', true, 1501, 'suspect 1501'],
    ['unknown', true, 2999, 'suspect 2999'],
    ['unknown', true, 3000, 'dead lease-expired 3000'],
    ['unknown', false, 3000, 'unreachable host-silent 3000'],
    ['gone', true, 1500, 'alive 0'],
    ['gone', true, 1501, 'dead exited 1501'],
    ['stopped', true, 60_000, 'stalled stopped 60000'],
    ['io-wait', true, 60_000, 'stalled io-wait 60000'],
    ['running', true, 60_000, 'stalled loop-busy 60000'],
  ]
  for (const [probe, sameHost, nowMs, expected] of cases) {
    const monitor = new PeerMonitor({ ...terms, sameHost }, 0)
    monitor.judge(nowMs, probe)
    t.equal(told(monitor), expected, `${probe} at ${nowMs}`)
  }
  t.end()
})

t.test('evidence, and the interval that a beacon names', (t) => {
  const monitor = new PeerMonitor(terms, 0)
  monitor.judge(2000, 'unknown')
  t.equal(told(monitor), 'suspect 2000')
  monitor.heard(2100)
  monitor.judge(2200, 'unknown')
  t.equal(told(monitor), 'alive 2200')
  monitor.beacon(2000, 0, 3000)
  monitor.judge(8999, 'unknown')
  t.equal(told(monitor), 'alive 2200', 'it said that it beacons slowly')
  monitor.judge(9001, 'unknown')
  t.equal(told(monitor), 'dead lease-expired 9001')
  t.end()
})

t.test('a late loop is stalled, whatever arrives', (t) => {
  const monitor = new PeerMonitor(terms, 0)
  monitor.beacon(500, 999, 100)
  monitor.judge(100, 'running')
  t.equal(told(monitor), 'alive 0')
  monitor.beacon(500, 1000, 200)
  monitor.judge(200, 'running')
  t.equal(told(monitor), 'stalled loop-busy 200')
  t.equal(monitor.verdict.detail, 'loop 1000 ms late')
  monitor.judge(300, 'running')
  t.equal(told(monitor), 'stalled loop-busy 200', 'since when it was so')
  monitor.beacon(500, 0, 400)
  monitor.judge(400, 'running')
  t.equal(told(monitor), 'alive 400')
  t.end()
})

t.test('the observer doubts itself first', (t) => {
  const monitor = new PeerMonitor(terms, 0)
  monitor.credit(5000, 6000)
  monitor.judge(6000, 'unknown')
  t.equal(told(monitor), 'alive 0')
  monitor.judge(6501, 'unknown')
  t.equal(told(monitor), 'suspect 6501', 'the second before its own stall counts')
  monitor.heard(7000)
  monitor.judge(7000, 'unknown')
  monitor.credit(5000, 7000)
  monitor.judge(8501, 'unknown')
  t.equal(told(monitor), 'suspect 8501', 'credit does not reach into the future')
  t.end()
})

t.test('facts', (t) => {
  const monitor = new PeerMonitor(terms, 0)
  monitor.fact('stalled', 'stopped', 'SIGSTOP', 100)
  monitor.judge(350, 'unknown')
  t.equal(told(monitor), 'stalled stopped 100', 'a lease that is not over says nothing against it')
  monitor.heard(400)
  monitor.judge(450, 'unknown')
  t.equal(told(monitor), 'alive 450', 'a frame does')
  monitor.fact('stalled', 'stopped', null, 500)
  monitor.judge(2000, 'gone')
  t.equal(told(monitor), 'dead exited 2000', 'and so does the kernel')
  monitor.heard(2100)
  monitor.judge(2200, 'running')
  monitor.fact('alive', null, null, 2300)
  t.equal(told(monitor), 'dead exited 2000', 'dead is final')
  const killed = new PeerMonitor(terms, 0)
  t.match(killed.fact('dead', 'killed', 'SIGKILL', 5), {
    liveliness: 'dead',
    cause: 'killed',
    detail: 'SIGKILL',
    sinceMs: 5,
  })
  killed.fact('dead', 'goodbye', null, 6)
  t.equal(told(killed), 'dead killed 5', 'for the first cause')
  t.end()
})
