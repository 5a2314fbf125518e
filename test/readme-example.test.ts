// The README's first program, word by word, as its reader would run it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import t, { type Test } from 'tap'
import { claimDomain } from './support/domain-lock.js'
import { eventually } from './support/eventually.js'

const readme = readFileSync(path.resolve(import.meta.dirname, '..', '..', 'README.md'), 'utf8')
const [, hello] = /```js\n(\/\/ hello\.mjs\n[^`]*(?:`[^`\n]*`[^`]*)*?)```/.exec(readme) ?? []

t.test('hello.mjs: each hears the other, and that it has gone', async (t) => {
  if (hello === undefined) throw new Error('README.md has no hello.mjs')
  // Below this package, so that `numacast` is what was built here.
  const file = path.join(t.testdir({ 'hello.mjs': hello }), 'hello.mjs')
  const domain = await claimDomain(t)
  const first = start(t, file, domain)
  await first.prints(`pid ${first.pid} hello alive`)
  const second = start(t, file, domain)
  await second.prints(`pid ${first.pid} hello alive`)
  await second.prints(`pid ${second.pid} hello alive`)
  await first.prints(`pid ${second.pid} hello alive`)

  second.kill('SIGKILL')
  await first.prints(`pid ${second.pid} hello no-writers`)
  const third = start(t, file, domain)
  await first.prints(`pid ${third.pid} hello alive`)
  third.kill('SIGINT')
  await first.prints(`pid ${third.pid} hello no-writers`)
  t.pass('as the README says')
})

function start(t: Test, file: string, domain: number) {
  const child = spawn(process.execPath, [file], {
    env: { ...process.env, NUMACAST_DOMAIN: String(domain) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'close')
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return {
    pid: child.pid,
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    prints: (line: string) => eventually(line, () => output.split('\n').includes(line) || undefined),
  }
}
