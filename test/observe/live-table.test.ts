import t from 'tap'
import { LiveTable } from '../../src/observe/live-table.js'
import { FakeClock } from '../../src/testing/fake-clock.js'
import { Terminal } from '../support/terminal.js'
import { sampleDocument, sampleWorker } from './sample-document.js'

t.test('each frame replaces the previous frame', async (t) => {
  const { table, terminal, clock } = setUp()
  table.status(sampleDocument({ workers: manyWorkers(5) }))
  t.match(terminal.text(), /w5 /)
  const height = terminal.lines().length
  await clock.advance(1_000)
  table.status(sampleDocument({ workers: manyWorkers(2) }))
  t.match(terminal.text(), /w2 /)
  t.notMatch(terminal.text(), /w5 /)
  t.equal(terminal.lines().length, height - 3)
  t.equal(terminal.text().split('WORKER').length, 2, 'one heading')
})

t.test('at most four frames per second are drawn, and the last state is always drawn', async (t) => {
  const { table, terminal, clock } = setUp()
  table.status(sampleDocument())
  table.status(sampleDocument({ workers: manyWorkers(2) }))
  table.status(sampleDocument({ workers: manyWorkers(3) }))
  t.notMatch(terminal.text(), /w3 /)
  await clock.advance(250)
  t.match(terminal.text(), /w3 /)
  t.equal(clock.pendingTimers, 0)
})

t.test('notes stay above the table', async (t) => {
  const { table, terminal } = setUp()
  table.status(sampleDocument())
  table.showLine('scheduler ended: SIGKILL')
  table.showLine('again \u001b[2J')
  t.equal(terminal.lines()[0], 'scheduler ended: SIGKILL')
  t.equal(terminal.lines()[1], 'again \\x1b[2J')
  t.match(terminal.lines()[2], /^domain 3/)
  t.equal(terminal.text().split('WORKER').length, 2)
})

t.test('a table taller than the terminal is cut and never scrolls', async (t) => {
  const { table, terminal, clock } = setUp({ rows: 8 })
  table.status(sampleDocument({ workers: manyWorkers(20) }))
  await clock.advance(1_000)
  table.status(sampleDocument({ workers: manyWorkers(30) }))
  t.match(terminal.text(), /… 30 more lines/)
  t.equal(terminal.text().split('domain 3').length, 2, 'drawn over itself')
  t.ok(terminal.lines().length <= 8)
})

t.test('a terminal without a size gets the default size', async (t) => {
  const clock = new FakeClock()
  let text = ''
  const table = new LiveTable({ rows: 0, columns: 0, write: (more: string) => (text += more) }, clock)
  table.status(sampleDocument())
  t.match(text, /\nw1 /)
})

t.test('closing restores the terminal', async (t) => {
  const { table, terminal, clock } = setUp()
  t.equal(terminal.modes.get('25'), false, 'the cursor is hidden')
  t.equal(terminal.modes.get('7'), false, 'long lines are cut')
  table.status(sampleDocument())
  table.status(sampleDocument({ workers: manyWorkers(2) }))
  table.close()
  table.close()
  t.match(terminal.text(), /w2 /, 'the last frame stays')
  t.equal(terminal.modes.get('25'), true)
  t.equal(terminal.modes.get('7'), true)
  const written = terminal.written
  await clock.advance(5_000)
  table.status(sampleDocument())
  table.showLine('late')
  t.equal(terminal.written, written, 'nothing is written afterwards')
})

t.test('the last frame after a clean end shows the running state', async (t) => {
  const { table, terminal, clock } = setUp()
  table.status(sampleDocument())
  await clock.advance(1_000)
  table.status(sampleDocument({ workers: [sampleWorker({ liveliness: 'dead', cause: 'goodbye' })] }))
  t.match(terminal.text(), /dead \(goodbye\)/)
  table.end(sampleDocument({ workers: manyWorkers(2) }), 'stopped \u001b[2J')
  t.notMatch(terminal.text(), /dead/)
  t.match(terminal.text(), /^w2 .*alive.*\nstopped \\x1b\[2J\n?$/m)
  t.equal(terminal.modes.get('25'), true)
  const written = terminal.written
  table.end(sampleDocument(), 'again')
  table.close()
  t.equal(terminal.written, written)
})

function manyWorkers(count: number) {
  return Array.from({ length: count }, (_, index) => sampleWorker({ workerId: `w${index + 1}` }))
}

function setUp({ rows = 40 } = {}) {
  const clock = new FakeClock()
  const terminal = new Terminal(rows)
  return { clock, terminal, table: new LiveTable(terminal, clock) }
}
