import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { decodeWaitStatus, exitStatusText, readZombieExit } from '../../src/topology/exit-status.js'

t.test('wait statuses, and in words', async (t) => {
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

t.test('what /proc says of a zombie', async (t) => {
  const root = t.testdir()
  const stat = (pid: number, state: string, exitCode: string, name = 'node'): void => {
    const middle = Array.from({ length: 48 }, (_, index) => index + 4).join(' ')
    mkdirSync(path.join(root, String(pid)))
    writeFileSync(path.join(root, String(pid), 'stat'), `${pid} (${name}) ${state} ${middle} ${exitCode}\n`)
  }
  stat(1, 'Z', '9')
  stat(2, 'Z', '256', 'a (strange) name')
  stat(3, 'S', '9')
  stat(4, 'Z', '0')
  stat(5, 'Z', '')
  stat(6, 'Z', 'nonsense')
  t.match(readZombieExit(1, root), { cause: 'killed', signal: 'SIGKILL' })
  t.match(readZombieExit(2, root), { cause: 'exited', exitCode: 1 })
  t.equal(readZombieExit(3, root), null, 'it is none')
  t.equal(readZombieExit(4, root), null, 'exit code 0, or not for us to know')
  t.equal(readZombieExit(5, root), null)
  t.equal(readZombieExit(6, root), null)
  t.equal(readZombieExit(7, root), null, 'reaped')
})
