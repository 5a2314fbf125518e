import fc from 'fast-check'
import t from 'tap'
import { ChangeLog } from '../../src/cache/change-log.js'

interface Slot {
  readonly name: number
  seq: number
}

t.test('a log holds what is alive, in order, and stays as small as that, whatever is killed last', async (t) => {
  const step = fc.oneof(
    fc.record({ append: fc.constant(true) }),
    fc.record({ kill: fc.nat() }),
    fc.record({ killAll: fc.constant(true) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400, size: 'max' }), (steps) => {
      const log = new ChangeLog<Slot>()
      let alive: Slot[] = []
      let seq = 0
      for (const each of steps) {
        if ('append' in each) {
          const slot = { name: seq, seq: ++seq }
          alive.push(slot)
          log.append(slot)
        } else {
          const doomed = 'kill' in each ? alive.slice(each.kill % Math.max(1, alive.length)).slice(0, 1) : alive
          alive = alive.filter((slot) => !doomed.includes(slot))
          for (const slot of doomed) log.kill(slot)
        }
        if (log.length > 2 * alive.length + 64) throw new Error(`${log.length} pairs for ${alive.length} slots`)
      }
      const names = [...log.after(0)].map(({ name }) => name)
      if (String(names) !== String(alive.map(({ name }) => name))) throw new Error(`${names} are held`)
    }),
  )
  t.pass('every history ended with the slots that were alive')
})

t.test('slots that have all been killed leave nothing but the slack behind, without another append', async (t) => {
  const log = new ChangeLog<Slot>()
  const slots = Array.from({ length: 10_000 }, (_, name) => ({ name, seq: name + 1 }))
  for (const slot of slots) log.append(slot)
  for (const slot of slots) log.kill(slot)
  t.ok(log.length <= 64, `${log.length} pairs are left`)
})
