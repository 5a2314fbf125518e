import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { readHeadroom } from '../../../src/topology/cgroup/headroom.js'
import { readTopology } from '../../../src/topology/numa/topology.js'
import { cliProgram, runCli } from '../../support/run-cli.js'

t.test('topology --json prints what the library reads, on one line', async (t) => {
  const { code, stdout, stderr } = await runCli(['topology', '--json'])
  t.equal(code, 0)
  t.equal(stderr, '')
  t.equal(stdout.trimEnd().split('\n').length, 1)
  const { topology, headroom } = JSON.parse(stdout)
  const own = readTopology()
  t.equal(topology.source, own.source)
  t.same(
    topology.nodes.map(({ id, cpus }: { id: number; cpus: number[] }) => ({ id, cpus })),
    own.nodes.map(({ id, cpus }) => ({ id, cpus })),
  )
  t.same(topology.distances, own.distances)
  t.equal(headroom.layout, readHeadroom().layout)
})

t.test('topology without --json prints a table', async (t) => {
  const { code, stdout } = await runCli(['topology'])
  t.equal(code, 0)
  t.match(stdout, /^NUMA nodes \(from \w+\)\nNODE +CPUS +NEAREST CPUS +MEMORY +FREE +AVAILABLE +ALLOWED\n/)
  t.match(stdout, /\ncgroup headroom \(/)
})

t.test('topology --root reads another file system', async (t) => {
  const empty = t.testdir({ 'a-file': '' })
  const nothing = await runCli(['topology', '--json', '--root', empty])
  t.equal(nothing.code, 3, 'a folder without /sys')
  t.equal(nothing.stdout, '')
  t.match(nothing.stderr, /^numacast: --root \/.* holds neither sys\/ nor proc\/: name the folder .*\n$/)

  const sparse = t.testdir({ 'a-file': '', sys: {} })
  const { code, stdout } = await runCli(['topology', '--json', '--root', sparse])
  t.equal(code, 0, 'an incomplete tree is readable')
  t.ok(JSON.parse(stdout).topology.warnings.length > 0, 'the warnings name what is missing')

  const gone = await runCli(['topology', '--root', path.join(empty, 'gone')])
  t.equal(gone.code, 3)
  t.match(gone.stderr, /^numacast: --root \/.*\/gone does not exist\n$/)
  t.equal(gone.stdout, '')

  const file = await runCli(['topology', '--root', path.join(empty, 'a-file')])
  t.equal(file.code, 2)
  t.match(file.stderr, /^numacast: .*not a directory.*\n$/)
})

t.test('topology loads no socket library', async (t) => {
  t.notMatch(await sharedObjectsOf(['topology', '--json']), /zeromq|msgpackr/)
})

/** Returns the compiled libraries that a command has loaded when it ends. */
async function sharedObjectsOf(args: readonly string[]): Promise<string> {
  const atExit = `process.on('exit', () => process.stderr.write(JSON.stringify(process.report.getReport().sharedObjects)))`
  const preload = `data:text/javascript,${encodeURIComponent(atExit)}`
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--import', preload, cliProgram, ...args])
  JSON.parse(stdout)
  return stderr
}
