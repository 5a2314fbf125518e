// A person at a terminal: looks at the fleet, drains a worker, waits until it has finished, and lets it go on.
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { IntentIssuer } from 'numacast'
import { joinDomain } from 'numacast/pubsub'
import { FleetView } from 'numacast/views'

const workerId = process.argv[2] ?? 'w1'
await using participant = await joinDomain({ name: 'operator' })
using view = FleetView.open(participant)
await view.synced({ signal: AbortSignal.timeout(10_000) })
const { workers } = view.status()
for (const { workerId: id, state, jobsCompleted } of workers) {
  console.log(`${id}: ${state}, ${jobsCompleted} jobs done`)
}

if (workers.some((worker) => worker.workerId === workerId)) {
  await drainAndResume()
} else {
  console.error(`no worker ${workerId}`)
  process.exitCode = 3
}

async function drainAndResume(): Promise<void> {
  using issuer = new IntentIssuer(view, { issuer: 'operator' })
  const { intent } = issuer.apply('drain', workerId, { deadlineMs: 30_000 }, { reason: 'to show how' })
  for await (const { transition } of issuer.follow(intent.intentId, {
    workerId,
    signal: AbortSignal.timeout(60_000),
  })) {
    console.log(`drain ${workerId}: ${transition}`)
  }

  const terminal = createInterface(process.stdin)
  console.log('do what is to be done; Enter lets it go on')
  await Promise.race([once(terminal, 'line'), once(terminal, 'close')])
  terminal.close()

  const lift = issuer.lift('drain', workerId, { reason: 'shown' })
  for await (const { transition } of issuer.follow(lift.intent.intentId, {
    workerId,
    signal: AbortSignal.timeout(10_000),
  })) {
    console.log(`resume ${workerId}: ${transition}`)
  }
}
