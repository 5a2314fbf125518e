import t from 'tap'
import { decodeWaitStatus, exitStatusText } from '../../../src/topology/model/exit-status.js'

t.test('a wait status is decoded to cause and text', async (t) => {
  for (const [waitStatus, text, cause] of [
    [0, 'exit code 0', 'exited'],
    [3 << 8, 'exit code 3', 'exited'],
    [0xff00, 'exit code 255', 'exited'],
    [9, 'SIGKILL', 'killed'],
    [11 | 0x80, 'SIGSEGV, core dumped', 'killed'],
    [34, 'SIG34', 'killed'],
  ] as const) {
    const status = decodeWaitStatus(waitStatus)
    t.equal(exitStatusText(status), text)
    t.equal(status.cause, cause, text)
  }
})
