import t from 'tap'
import { nextRestart, noDeaths } from '../../../src/cli/supervisor/restart-delay.js'

t.test('the delay grows with each early death, up to a bound', async (t) => {
  const delays: number[] = []
  let history = noDeaths
  for (let death = 0; death < 8; death++) {
    const next = nextRestart(history, 100)
    history = next.history
    delays.push(next.delayMs)
  }
  t.same(delays, [250, 500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000])
})

t.test('a long run resets the delay', async (t) => {
  t.equal(nextRestart({ earlyDeaths: 9 }, 30_000).delayMs, 250)
  t.equal(nextRestart({ earlyDeaths: 9 }, 29_999).delayMs, 8_000)
})

t.test('the delay stays within the bound after any number of deaths', async (t) => {
  t.equal(nextRestart({ earlyDeaths: 100_000 }, 1).delayMs, 8_000)
})
