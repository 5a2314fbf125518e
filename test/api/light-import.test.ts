// What `import 'numacast'` loads. How long it takes is measured by `npm run bench -- import`.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import t, { type Test } from 'tap'
import { claimDomain } from '../support/domain-lock.js'
import { plainNode } from '../support/plain-node.js'

const root = path.resolve(import.meta.dirname, '..', '..', '..')

interface Loaded {
  /** Packages of which a file was loaded, as an ES module or by `require`. */
  readonly packages: readonly string[]
  /** Files of numacast, relative to its compiled `src`. */
  readonly files: readonly string[]
  /** Modules of Node itself. */
  readonly builtins: ReadonlySet<string>
  readonly required: readonly string[]
}

/** Runs a program in a process of its own, in the repository's folder, and returns what it loaded. */
function loadedBy(t: Test, program: string): Loaded {
  const record = path.join(t.testdir(), 'loads')
  const recorder = new URL('./load-recorder.js', import.meta.url)
  const register = `import { register } from 'node:module'; register(${JSON.stringify(recorder.href)})`
  const report = `
    const { createRequire } = await import('node:module')
    const required = Object.keys(createRequire(${JSON.stringify(path.join(root, 'package.json'))}).cache)
    console.log(JSON.stringify({ required, builtins: process.moduleLoadList }))`
  const output = execFileSync(
    'env',
    [
      ...plainNode,
      '--import',
      `data:text/javascript,${encodeURIComponent(register)}`,
      '--input-type=module',
      '-e',
      `${program};${report}`,
    ],
    { cwd: root, env: { ...process.env, NUMACAST_LOADS: record }, encoding: 'utf8' },
  )
  const { required, builtins }: { required: string[]; builtins: string[] } = JSON.parse(output)
  const urls = readFileSync(record, 'utf8').split('\n')
  const packages = [...urls, ...required].flatMap(
    (file) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? [],
  )
  return {
    packages: [...new Set(packages)].sort(),
    files: urls.flatMap((url) => /\/dist\/src\/(.*)$/.exec(url)?.[1] ?? []),
    builtins: new Set(builtins.flatMap((name) => /^NativeModule (.*)$/.exec(name)?.[1] ?? [])),
    required,
  }
}

t.test('an import of numacast loads no package, no participant, no view and no addon', async (t) => {
  const { packages, files, builtins } = loadedBy(t, "await import('numacast')")
  t.same(packages, [], 'not commander, cli-table3, zod, zeromq or msgpackr')
  t.ok(files.includes('roles/worker/worker.js'), `${files.length} files were loaded`)
  const heavy =
    /^(cli|observe|topology|discovery)\/|^pubsub\/(?!model\/topic)|^roles\/node\/|(-engine|-parts|fleet-view)\.js$/
  t.same(
    files.filter((file) => heavy.test(file)),
    [],
  )
  for (const name of ['child_process', 'crypto', 'dgram', 'dns']) t.notOk(builtins.has(name), name)
})

t.test('an import of another entry point loads nothing of the command line', async (t) => {
  for (const entry of ['placement', 'pubsub', 'testing', 'topology', 'views']) {
    const { packages, files } = loadedBy(t, `await import('numacast/${entry}')`)
    t.ok(files.includes(`${entry}.js`), `${entry}: ${files.length} files were loaded`)
    t.same(
      packages.filter((name) => name === 'commander' || name === 'cli-table3'),
      [],
      entry,
    )
    t.same(
      files.filter((file) => /^(cli|observe)\//.test(file)),
      [],
      entry,
    )
    if (entry === 'topology') t.same(packages, [], 'topology is read without any package')
  }
})

t.test('a running worker shares one copy of zod with an application that imports it', async (t) => {
  const domain = await claimDomain(t)
  const start = `Worker.start({ workerId: 'w1', numaNode: 0, domain: ${domain} })`
  const { packages, required } = loadedBy(
    t,
    `const { Worker } = await import('numacast'); const worker = await ${start}; await worker.close()`,
  )
  t.ok(packages.includes('zod'), 'loaded when the worker starts')
  t.same(
    required.filter((file) => file.includes('/zod/')),
    [],
    'but not a second time by require',
  )
})
