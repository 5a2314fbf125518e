import t, { type Test } from 'tap'
import { childrenOf } from '../../src/testing/processes/child-processes.js'
import type { MemberEnvironment } from '../../src/testing/processes/member-process.js'
import { requirement } from '../support/requirement.js'
import { withFleet } from './fleet.js'

import { compilePreload } from './preload.js'

t.setTimeout(0)

/** A worker in them waits uninterruptibly from SIGURG until its child ends. */
function environment(t: Test): MemberEnvironment | undefined {
  try {
    return { environment: { LD_PRELOAD: compilePreload(t.testdir({}), 'uninterruptible') } }
  } catch (error) {
    requirement(t, 'a C compiler', false, String(error))
    return undefined
  }
}

void withFleet(t, 'a worker is stalled (io-wait) while it waits uninterruptibly, then alive', async (t, fleet) => {
  const waiting = environment(t)
  if (waiting === undefined) return
  await fleet.collector()
  const view = await fleet.view()
  const worker = await fleet.workers(['w'], {}, waiting)
  await fleet.seesAlive(view, worker)
  worker.signal('SIGURG')
  await fleet.seesLast(view, worker, /^stalled \(io-wait\)$/)
  const [child] = childrenOf(worker.pid)
  if (child === undefined) throw new Error('the worker has no child to wait for')
  process.kill(child, 'SIGKILL')
  await fleet.seesAlive(view, worker)
  t.comment(view.history('w').join(', '))

  worker.signal('SIGURG')
  await fleet.seesLast(view, worker, /^stalled \(io-wait\)$/)
  await worker.end()
  await fleet.seesLast(view, worker, /^dead \((killed|exited)\)$/)
})
