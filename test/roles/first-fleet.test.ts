import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { claimDomain } from '../support/domain-lock.js'

t.setTimeout(300_000)

const folder = new URL('../../examples/first-fleet/', import.meta.url)

/** One role of the example in a process of its own, and the lines that it has printed. */
class Role {
  readonly process: ChildProcess
  readonly ended: Promise<unknown>
  #output = ''
  readonly #heard = new Set<() => void>()

  constructor(t: Test, domain: number, name: string, ...args: string[]) {
    const file = fileURLToPath(new URL(`${name}.js`, folder))
    this.process = spawn(process.execPath, [file, ...args], {
      env: { ...process.env, NUMACAST_DOMAIN: String(domain) },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.ended = once(this.process, 'exit')
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text
      for (const look of [...this.#heard]) look()
    })
    t.teardown(() => void this.process.kill('SIGKILL'))
  }

  get lines(): string[] {
    return this.#output.split('\n').filter((line) => line !== '')
  }

  async said(pattern: RegExp): Promise<void> {
    if (pattern.test(this.#output)) return
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (!pattern.test(this.#output)) return
        this.#heard.delete(look)
        resolve()
      }
      this.#heard.add(look)
      void this.ended.then(() => reject(new Error(`it ended without saying ${pattern}:\n${this.#output}`)))
    })
  }

  async stop(): Promise<number | null> {
    this.process.kill('SIGTERM')
    await this.ended
    return this.process.exitCode
  }
}

t.test('the first fleet, as its README tells it', async (t) => {
  const domain = await claimDomain(t)
  const collector = new Role(t, domain, 'collector')
  await collector.said(/collector of node 0, domain/)
  const scheduler = new Role(t, domain, 'scheduler')
  const first = new Role(t, domain, 'worker', 'w1')
  const second = new Role(t, domain, 'worker', 'w2')
  await scheduler.said(/w1: available, alive\n/)
  await scheduler.said(/w2: available, alive\n/)

  const operator = new Role(t, domain, 'operator', 'w1')
  await operator.ended
  t.equal(operator.process.exitCode, 0)
  t.match(operator.lines.slice(0, 2), [/^w1: available, \d+ jobs done$/, /^w2: available, \d+ jobs done$/])
  t.strictSame(operator.lines.slice(2), [
    'drain w1: planned',
    'drain w1: admitted',
    'drain w1: completed',
    'resume w1: planned',
    'resume w1: admitted',
    'resume w1: completed',
  ])
  t.strictSame(first.lines.slice(0, 2), ['not taking jobs: draining: to show how', 'taking jobs'])
  await scheduler.said(/w1: draining, alive\n(.*\n)*w1: available, alive\n/)

  const rival = new Role(t, domain, 'worker', 'w3')
  await scheduler.said(/w3: available, alive\n/)
  rival.process.kill('SIGKILL')
  await scheduler.said(/w3: \w+, dead \((killed|exited|lease-expired)\)\n/)

  t.equal(await second.stop(), 0)
  await scheduler.said(/w2: draining, dead \(goodbye\)\n/)

  collector.process.kill('SIGKILL')
  await collector.ended
  const successor = new Role(t, domain, 'collector')
  await successor.said(/collector of node 0/)
  const again = new Role(t, domain, 'operator', 'w1')
  await again.said(/drain w1: completed\nresume w1: planned\nresume w1: admitted\nresume w1: completed\n/)
  await again.ended
  t.equal(again.process.exitCode, 0)

  for (const role of [first, successor, scheduler]) t.equal(await role.stop(), 0)
})
