import t from 'tap'
import { AckReport } from '../../../src/pubsub/reader/ack-report.js'

t.test('a reader tells what it was asked for, as far as it has come, and then is quiet', (t) => {
  const told = new AckReport()
  t.notOk(told.isWanted(5), 'nobody asked')
  told.asked(9, 0)
  t.ok(told.isWanted(0), 'that nothing has been applied is something to say')
  t.ok(told.isWanted(5), 'five is more than nothing')
  t.ok(told.tell(5, 10))
  t.notOk(told.isWanted(5))
  t.ok(told.isWanted(9), 'the rest, once it is here')
  t.ok(told.tell(9, 20))
  told.asked(9, 500)
  t.notOk(told.isWanted(9), 'it crossed the answer on its way')
  told.asked(9, 1021)
  t.ok(told.isWanted(9), 'the writer has forgotten, or never understood')
  t.ok(told.tell(9, 1030))
  t.notOk(told.tell(12, 1040), 'more than anybody asked for is no answer')
  told.asked(11, 1050)
  t.notOk(told.isWanted(12), 'it was told already')
  t.end()
})
