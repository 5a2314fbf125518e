import t from 'tap'
import { withFleet } from './fleet.js'

t.setTimeout(0)

void withFleet(t, 'a worker is stalled (stopped) after SIGSTOP and alive after SIGCONT', async (t, fleet) => {
  await fleet.collector()
  const view = await fleet.view()
  const worker = await fleet.workers(['w'])
  await fleet.seesAlive(view, worker)
  worker.signal('SIGSTOP')
  await fleet.seen(view, worker, /^stalled \(stopped\)$/)
  worker.signal('SIGCONT')
  await fleet.seesAlive(view, worker)
  t.comment(view.history('w').join(', '))
})
