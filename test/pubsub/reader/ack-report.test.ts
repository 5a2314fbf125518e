import t from 'tap'
import { AckReport } from '../../../src/pubsub/reader/ack-report.js'

t.test('a reader reports its progress once for each question, and not again', (t) => {
  const report = new AckReport()
  t.notOk(report.isWanted(5), 'the writer has not asked')
  report.asked(9, 0)
  t.ok(report.isWanted(0), 'that nothing has been applied is something to say')
  t.ok(report.isWanted(5), 'five is more than nothing')
  t.ok(report.reported(5, 10))
  t.notOk(report.isWanted(5))
  t.ok(report.isWanted(9), 'the rest, once it is here')
  t.ok(report.reported(9, 20))
  report.asked(9, 500)
  t.notOk(report.isWanted(9), 'it crossed the answer on its way')
  report.asked(9, 1021)
  t.ok(report.isWanted(9), 'the writer has forgotten, or never understood')
  t.ok(report.reported(9, 1030))
  t.notOk(report.reported(12, 1040), 'more than was asked for is no answer')
  report.asked(11, 1050)
  t.notOk(report.isWanted(12), 'it was reported already')
  t.end()
})
