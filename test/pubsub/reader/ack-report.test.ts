import t from 'tap'
import { AckReport } from '../../../src/pubsub/reader/ack-report.js'

t.test('a reader reports its progress once for each question, and not again', (t) => {
  const report = new AckReport()
  t.notOk(report.isWanted(5), 'the writer has not asked')
  report.asked(9, 0)
  t.ok(report.isWanted(0), 'a report that nothing has been applied is wanted')
  t.ok(report.isWanted(5), 'five is more than nothing')
  t.ok(report.reported(5, 10))
  t.notOk(report.isWanted(5))
  t.ok(report.isWanted(9), 'the rest, once it has arrived')
  t.ok(report.reported(9, 20))
  report.asked(9, 500)
  t.notOk(report.isWanted(9), 'the question crossed the answer')
  report.asked(9, 1021)
  t.ok(report.isWanted(9), 'the writer has lost the answer')
  t.ok(report.reported(9, 1030))
  t.notOk(report.reported(12, 1040), 'progress beyond the question is no answer')
  report.asked(11, 1050)
  t.notOk(report.isWanted(12), 'it was reported already')
  t.end()
})
