import { execFile } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { requirement } from '../../support/requirement.js'

// Runs the addon's tests on a build with AddressSanitizer and UndefinedBehaviorSanitizer, with a longer fuzz test.
// It takes minutes, so `npm run test:sanitizers` runs it.
const here = path.dirname(fileURLToPath(import.meta.url))
const tests = path.dirname(here)
const root = path.resolve(tests, '..', '..', '..')
const suites = [
  'addon/fuzz',
  'numa/topology',
  'cgroup/headroom-memory',
  'cgroup/headroom-cpu',
  'cgroup/headroom-places',
  'addon/root-dir',
  'cgroup/headroom-sampler',
  'process/process-watch',
  'process/process-threads',
  'cgroup/cgroup-events-watch',
  'numa/placement',
  'socket/udp-sockets',
  'addon/worker-threads',
  'addon/environment-end',
  'cgroup/freezer',
  'process/time-namespace',
]
const run = promisify(execFile)

t.setTimeout(1_800_000)
if (process.platform !== 'linux') requirement(t, 'Linux', false, `this is ${process.platform}`)
else await runSanitized()

async function runSanitized(): Promise<void> {
  const built = await run(process.execPath, [path.join(root, 'native', 'sanitize.mjs')]).catch((error: Error) => error)
  if (built instanceof Error) return void requirement(t, 'a compiler with sanitizers', false, built.message)
  const [addon = '', runtime = ''] = built.stdout.trim().split('\n')
  const env = {
    ...process.env,
    NUMACAST_ADDON: addon,
    NUMACAST_FUZZ_RUNS: process.env.NUMACAST_FUZZ_RUNS ?? '1000',
    LD_PRELOAD: runtime,
    // Node itself leaks at exit by design. Other tests count the addon's descriptors.
    ASAN_OPTIONS: 'detect_leaks=0:strict_string_checks=1:detect_stack_use_after_return=1',
    UBSAN_OPTIONS: 'print_stacktrace=1',
  }
  const check = `import('${new URL('../../../src/topology/addon/addon.js', import.meta.url).href}').then((addon) => console.log(addon.addonStatus()))`
  t.match(
    (await run(process.execPath, ['-e', check], { env })).stdout,
    /available: true/,
    'the sanitized addon is in use',
  )
  for (const suite of suites) {
    await t.test(suite, async (t) => {
      const result = await run(process.execPath, [path.join(tests, `${suite}.test.js`)], {
        env,
        maxBuffer: 1 << 26,
      }).then(
        () => '',
        (error: Error & { stdout?: string; stderr?: string }) =>
          `${error.stderr ?? ''}\n${error.stdout ?? error.message}`,
      )
      t.equal(result.slice(-6000), '', 'nothing found')
    })
  }
}
