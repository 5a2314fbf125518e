import t from 'tap'
import { Announcer } from '../../src/discovery/announcer.js'
import { FakeClock } from '../../src/testing/fake-clock.js'

/** Records what is sent, and when. The random source always returns the middle, so intervals are exact. */
function announcer(random = () => 0.5): { clock: FakeClock; sent: string[]; announcer: Announcer } {
  const clock = new FakeClock()
  const startMs = clock.nowMs()
  const sent: string[] = []
  const at = (what: string): void => void sent.push(`${Math.round(clock.nowMs() - startMs)} ${what}`)
  const sender = {
    beacon: (partition: string, goodbye: boolean) => at(`${goodbye ? 'goodbye' : 'beacon'} ${partition}`),
    solicit: (partition: string) => at(`solicit ${partition}`),
    presence: (partition: string, goodbye: boolean) => at(`${goodbye ? 'absent' : 'present'} ${partition}`),
  }
  return { clock, sent, announcer: new Announcer({ clock, random, sender }, 500) }
}

t.test('an announcer sends a burst, then beacons, then goodbye', async (t) => {
  const { clock, sent, announcer: one } = announcer()
  one.announce('p')
  one.announce('p')
  await clock.advance(1100)
  t.same(sent, ['0 beacon p', '40 beacon p', '120 beacon p', '500 beacon p', '1000 beacon p'])
  one.close()
  one.close()
  t.same(sent.slice(5), ['1100 goodbye p'])
  one.announce('q')
  one.announceNow('p')
  await clock.advance(5000)
  t.equal(sent.length, 6)
  t.equal(clock.pendingTimers, 0)
})

t.test('intervals are jittered by a tenth', async (t) => {
  for (const [chance, atMs] of [
    [0, 450],
    [0.999999, 550],
  ] as const) {
    const { clock, sent, announcer: one } = announcer(() => chance)
    one.announce('p')
    await clock.advance(600)
    t.equal(sent[3], `${atMs} beacon p`)
    one.close()
  }
})

t.test('solicits are sent in a burst, and each writer answers once', async (t) => {
  const { clock, sent, announcer: one } = announcer()
  one.explore('r')
  await clock.advance(130)
  t.same(
    sent.splice(0),
    [0, 40, 120].flatMap((ms) => [`${ms} present r`, `${ms} solicit r`]),
  )
  one.announce('p')
  await clock.advance(130)
  sent.splice(0)
  for (let asked = 0; asked < 100; asked++) one.onSolicit('p')
  one.onSolicit('r')
  await clock.advance(20)
  t.same(sent.splice(0), ['265 beacon p'])
  one.announceNow('p')
  one.announceNow('p')
  await clock.advance(0)
  t.same(sent.splice(0), ['280 beacon p'])
  one.close()
})

t.test('after its last writer closes, a partition still receives beacons for a while', async (t) => {
  const { clock, sent, announcer: one } = announcer()
  one.announce('p')
  await clock.advance(200)
  sent.splice(0)
  one.announceNow('p')
  one.withdraw('p')
  one.withdraw('never written')
  one.onSolicit('p')
  await clock.advance(60_000)
  t.equal(sent.length, 21)
  t.equal(sent[0], '200 beacon p')
  one.announce('p')
  await clock.advance(200)
  one.withdraw('p')
  one.announce('p')
  sent.splice(0)
  await clock.advance(60_000)
  t.ok(sent.length > 100, 'a participant that writes again keeps beaconing')
  one.close()
  t.equal(sent.at(-1)?.endsWith('goodbye p'), true)
})

t.test('a participant that reads sends presence every two seconds, and a goodbye at the end', async (t) => {
  const { clock, sent, announcer: one } = announcer()
  one.explore('r')
  one.explore('s')
  await clock.advance(1_999)
  sent.splice(0)
  await clock.advance(2_001)
  t.same(sent.splice(0), ['2000 present r', '2000 present s', '4000 present r', '4000 present s'])
  one.ignore('r')
  one.ignore('r')
  one.ignore('never read')
  await clock.advance(2_000)
  t.same(sent.splice(0), ['4000 present r', '4040 present r', '4120 present r', '6000 present s'])
  one.close()
  t.same(sent, ['6000 absent s'])
})
