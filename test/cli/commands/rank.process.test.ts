import t, { type Test } from 'tap'
import type { RankingDocument } from '../../../src/observe/ranking-document.js'
import { type LivePlane, startPlane } from '../../support/plane.js'
import { explainFailure, runCli, startCli } from '../../support/run-cli.js'

t.setTimeout(600_000)

t.test('numacast rank explains which workers of a live plane fit, and why the others do not', async (t) => {
  const plane = await startPlane(t, ['--workers', '0'])
  const domain = ['--domain', String(plane.domain)]
  await startWorker(t, plane, 'fast', ['--capability', 'transcode@2', '--label', 'disk=ssd', '--queue', 'video'])
  await startWorker(t, plane, 'slow', ['--capability', 'transcode@1', '--label', 'disk=hdd', '--tag', 'spot'])
  await startWorker(t, plane, 'kept', ['--capability', 'transcode@2', '--taint', 'team=a:NoSchedule'])
  const rank = async (...args: readonly string[]) => {
    const result = await runCli(['rank', '--json', ...domain, '--wait', '10s', ...args])
    const document: RankingDocument | undefined = result.stdout === '' ? undefined : JSON.parse(result.stdout)
    return { ...result, document, names: document?.candidates.map(({ workerId }) => workerId) }
  }

  await t.test('a capability is matched exactly, and a taint refuses until it is tolerated', async (t) => {
    const found = await rank('--capability', 'transcode@2', '--explain', 'slow')
    t.match(found, {
      code: 0,
      names: ['fast'],
      document: {
        workers: 3,
        fitting: 1,
        retryAfterMs: 0,
        refusedByReason: { 'no-capability': 1, taint: 1 },
        candidates: [{ place: 1, scores: { shard: null }, reasons: [] }],
        explained: { workerId: 'slow', place: null, reasons: ['no-capability'], retryAfterMs: null },
      },
    })
    const tolerating = await rank('--capability', 'transcode@2', '--tolerate', 'team=a')
    t.same(tolerating.names?.toSorted(), ['fast', 'kept'])
  })

  await t.test('labels, tags and queues select', async (t) => {
    t.same((await rank('--selector', 'disk in (ssd,tape)')).names, ['fast'])
    t.same((await rank('--selector', '!disk', '--tolerate', '*')).names, ['kept'])
    t.same((await rank('--avoid', 'disk=ssd')).names, ['slow'])
    t.same((await rank('--tag', 'spot')).names, ['slow'])
    t.same((await rank('--queue', 'mail', '--tolerate', '*')).names?.toSorted(), ['kept', 'slow'])
    const preferring = await rank('--prefer', 'disk=hdd', '--explain', 'slow')
    t.match(preferring.document, { explained: { scores: { preferredLabels: 1 } } })
  })

  await t.test('a job that fits nowhere: exit code 3, with the reasons counted', async (t) => {
    const none = await rank('--memory', '4000TiB', '--numa', 'single')
    t.match(none, { code: 3, names: [], stderr: /no worker fits/ })
    t.match(none.document, { fitting: 0, retryAfterMs: null, refusedByReason: { 'too-large': 3 } })
    const asTable = await runCli(['rank', ...domain, '--wait', '10s', '--memory', '4000TiB'])
    t.match(asTable, { code: 3, stdout: /0 of 3 workers fit[\s\S]*too-large +3[\s\S]*Waiting does not help/ })
  })

  await t.test('the table shows scores and the worker that was asked for', async (t) => {
    const { code, stdout } = await runCli(['rank', ...domain, '--wait', '10s', '--memory', '1MiB', '--explain', 'fast'])
    t.equal(code, 0)
    t.match(stdout, /WORKER +NODE +SCORE +LOAD /)
    t.match(stdout, /fast on .* is number \d, with a score of 0\.\d{3}:\n +load: /)
  })

  await t.test('an unknown worker is not found', async (t) => {
    t.match(await rank('--explain', 'absent'), { code: 3, stderr: /has no worker absent/ })
  })
})

t.test('wrong usage is refused before a plane is looked for, with exit code 2', async (t) => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['--numa', 'both'], /--numa <preference>.*single/],
    [['--cpus', 'many'], /number of cores/],
    [['--memory', '4XB'], /64MiB/],
    [['--selector', 'a b c'], /key in \(a,b\)/],
    [['--tolerate', 'a=b:Sometimes'], /no effect Sometimes/],
    [['--capability', 'no version'], /capability.*kind@version/],
  ]
  for (const [args, message] of cases) {
    t.match(await runCli(['rank', ...args]), { code: 2, stderr: message }, args.join(' '))
  }
})

async function startWorker(t: Test, plane: LivePlane, id: string, args: readonly string[]): Promise<void> {
  const worker = startCli(['worker', '--id', id, '--rest', '1h', '--domain', String(plane.domain), ...args])
  explainFailure(t, worker)
  t.teardown(async () => {
    worker.child.kill('SIGTERM')
    await worker.ended
  })
  // After its first job it rests, so that the rankings of a test agree.
  await plane.worker(id, ({ liveliness, inFlight, jobsCompleted }) => {
    return liveliness === 'alive' && inFlight === 0 && jobsCompleted > 0
  })
}
