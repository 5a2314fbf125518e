import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import t from 'tap'
import { upPartition } from '../../../src/plane/vocabulary/partitions.js'
import { jobLifecycle } from '../../../src/plane/worker/job-lifecycle.js'
import { workerState } from '../../../src/plane/worker/worker-state.js'
import { joinDomain } from '../../../src/pubsub/participant.js'
import { until } from '../../../src/testing/eventually.js'
import { claimDomain } from '../../support/domain-lock.js'

t.setTimeout(120_000)

t.test('a job that blocks the loop at once and is then killed is reported as started and in flight', async (t) => {
  const domain = await claimDomain(t)
  const participant = await joinDomain({ domain, name: 'reader' })
  t.teardown(() => participant.close())
  const partition = upPartition(participant.identity.bootId, 0)
  const states = participant.reader(workerState, { partition })
  const jobs = participant.reader(jobLifecycle, { partition })
  const program = path.join(import.meta.dirname, 'blocking-job-process.js')
  const worker = spawn(process.execPath, [program, String(domain)], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(() => worker.kill('SIGKILL'))
  await once(worker.stdout, 'data')
  const state = () => [...states.entries()].map(([, { value }]) => value)[0]
  await until('the worker to be received', () => state()?.workerId === 'blocking')
  t.match(state(), { state: 'available', inFlight: 0 })
  worker.stdin.write('go\n')
  await until('its job to be received', () => jobs.get('q/forever') !== undefined && state()?.inFlight === 1)
  t.match(jobs.get('q/forever')?.value, { event: 'started', workerId: 'blocking', queue: 'q' })
  const ended = once(worker, 'exit')
  worker.kill('SIGKILL')
  await ended
  t.match(state(), { inFlight: 1, concurrency: 2, jobsStarted: 1 })
  t.match(jobs.get('q/forever')?.value, { event: 'started' }, 'the reader knows which job was lost')
})
