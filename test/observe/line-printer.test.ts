import t from 'tap'
import { LinePrinter } from '../../src/observe/line-printer.js'
import { FakeClock } from '../../src/testing/fake-clock.js'
import { sampleDocument, sampleWorker } from './sample-document.js'

t.test('each change is a line with its time', async (t) => {
  const { printer, text } = setUp()
  printer.status(sampleDocument())
  printer.status(sampleDocument())
  printer.status(sampleDocument({ workers: [sampleWorker({ state: 'draining' })] }))
  printer.showLine('worker w1: odd\u001b[0m line')
  t.match(text().split('\n'), [
    /^22:13:21\.000 node alpha\/0 joined/,
    /^22:13:21\.000 worker w1 joined/,
    /^22:13:21\.000 worker w1: working → draining$/,
    /^22:13:21\.000 worker w1: odd\\x1b\[0m line$/,
    /^$/,
  ])
})

t.test('load is printed at most every five seconds, and only when it changed', async (t) => {
  const { printer, text, clock } = setUp()
  const totals = (): number => text().split('jobs completed').length - 1
  printer.status(sampleDocument())
  t.equal(totals(), 0)
  await clock.advance(5_000)
  printer.status(sampleDocument())
  printer.status(sampleDocument({ workers: [sampleWorker({ jobsCompleted: 8 })] }))
  t.equal(totals(), 1)
  await clock.advance(5_000)
  printer.status(sampleDocument())
  t.equal(totals(), 1, 'nothing new')
  await clock.advance(5_000)
  printer.status(sampleDocument({ workers: [sampleWorker({ jobsCompleted: 9 })] }))
  t.equal(totals(), 2)
})

t.test('the end is one line, and earlier changes are not repeated', async (t) => {
  const { printer, text } = setUp()
  printer.status(sampleDocument())
  printer.status(sampleDocument({ workers: [sampleWorker({ liveliness: 'dead', cause: 'goodbye' })] }))
  const before = text()
  printer.end(sampleDocument(), 'stopped')
  printer.showLine('late')
  t.match(text().slice(before.length), /^[\d:.]+ stopped\n$/)
})

t.test('a closed printer prints nothing', async (t) => {
  const { printer, text } = setUp()
  printer.close()
  printer.close()
  printer.showLine('late')
  printer.status(sampleDocument())
  t.equal(text(), '')
})

function setUp() {
  const clock = new FakeClock()
  let text = ''
  const printer = new LinePrinter({ write: (more) => (text += more) }, clock)
  return { clock, printer, text: () => text }
}
