import { createHash } from 'node:crypto'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { listHashJobs } from '../../../src/cli/daemon/hash-jobs.js'

const signal = new AbortController().signal

t.test('each package is a job, and the loose files are one job', async (t) => {
  const root = t.testdir({
    zod: { 'index.js': 'b', lib: { 'a.js': 'a'.repeat(200_000) } },
    '@scope': { inner: { 'x.js': 'x' }, other: {} },
    '@loose': { 'y.js': 'yy' },
    'loose.txt': 'l',
  })
  const jobs = await listHashJobs(root)
  t.same(jobs.map(({ name }) => name).sort(), ['.', '@loose', '@scope/inner', '@scope/other', 'zod'])
  const run = async (name: string) => jobs.find((job) => job.name === name)?.run(signal)
  t.same(await run('zod'), { files: 2, bytes: 200_001, sha256: sha256(`b${'a'.repeat(200_000)}`) })
  t.same(await run('@scope/inner'), { files: 1, bytes: 1, sha256: sha256('x') })
  t.match(await run('@loose'), { files: 1, bytes: 2 }, 'a scope without packages is an ordinary folder')
  t.same(await run('.'), { files: 1, bytes: 1, sha256: sha256('l') }, 'without the folders')
})

t.test('links are not followed, so a loop of them ends', async (t) => {
  const root = t.testdir({ pkg: { 'a.js': 'a' } })
  symlinkSync('..', path.join(root, 'pkg', 'up'))
  symlinkSync('/dev/zero', path.join(root, 'pkg', 'endless'))
  const [job] = await listHashJobs(root)
  t.same(await job?.run(signal), { files: 1, bytes: 1, sha256: sha256('a') })
})

t.test('a job ends when its signal aborts', async (t) => {
  const root = t.testdir({ pkg: {} })
  for (let file = 0; file < 20; file++) writeFileSync(path.join(root, 'pkg', `${file}`), 'x'.repeat(100_000))
  const [job] = await listHashJobs(root)
  const controller = new AbortController()
  const running = Promise.resolve(job?.run(controller.signal)).then(() => undefined)
  controller.abort(new Error('enough'))
  await t.rejects(running, { message: /enough|aborted/ })
})

t.test('a folder without files throws at once instead of idling', async (t) => {
  const root = t.testdir({})
  await t.rejects(listHashJobs(root), { code: 'NUMACAST_NOT_FOUND', message: /no file to hash under/ })
  await t.rejects(listHashJobs(path.join(root, 'gone')), { code: 'NUMACAST_NOT_FOUND', message: /cannot list/ })
  mkdirSync(path.join(root, 'empty'))
  const [job] = await listHashJobs(root)
  t.match(await job?.run(signal), { files: 0, bytes: 0 })
})

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
