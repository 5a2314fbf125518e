import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { choosePolicies } from '../../../src/cli/policies/choose-policies.js'
import { loadPolicies } from '../../../src/cli/policies/load-policies.js'
import { PolicyRunner } from '../../../src/placement/policies/policy-runner.js'
import { PolicyFleet } from '../../placement/support/policy-fleet.js'

const folder = t.testdir()
let files = 0

/** Writes a module and returns its path. */
function moduleOf(source: string): string {
  const file = path.join(folder, `policy-${++files}.mjs`)
  writeFileSync(file, source)
  return file
}

const policy = (name: string): string => `{ name: '${name}', initial: null, decide: () => 0 }`

t.test('the default export is a policy, an array, or a function that returns one of them', async (t) => {
  const named = async (source: string): Promise<string[]> =>
    (await loadPolicies(moduleOf(source))).map(({ name }) => name)
  t.strictSame(await named(`export default ${policy('a')}`), ['a'])
  t.strictSame(await named(`export default [${policy('a')}, ${policy('b')}]`), ['a', 'b'])
  t.strictSame(await named(`export default () => ${policy('a').replace('{', '({')})`), ['a'])
  t.strictSame(await named(`export default async () => [${policy('a')}]`), ['a'])
  t.strictSame(await named('class P { name = "a"; initial = 0; decide() {} }; export default new P()'), ['a'])
})

t.test('a module that is no policy is refused, with its file and what is wrong', async (t) => {
  const cases: [string, RegExp][] = [
    ['export const other = 1', /it has no default export: export a policy, an array of policies, or a function/],
    ['export default [', /it cannot be loaded: /],
    ["import './nowhere.js'", /it cannot be loaded: Cannot find module .*nowhere\.js/],
    ["throw new Error('bug')", /it cannot be loaded: bug/],
    ["export default () => { throw new Error('bug') }", /its default export threw: bug/],
    ['export default []', /its default export is an empty array/],
    ['export default 5', /its default export must be an object with name, initial and decide/],
    ['export default { initial: 0, decide() {} }', /its default export must have a name of 1 to 64 letters/],
    ["export default { name: 'a b', initial: 0, decide() {} }", /must have a name/],
    [`export default { name: '${'a'.repeat(65)}', initial: 0, decide() {} }`, /must have a name/],
    ["export default { name: 'a', initial: 0 }", /must have a method decide\(.*\); this is policy a/],
    ["export default { name: 'a', decide() {} }", /must have an initial state, which may be null; this is policy a/],
    [`export default [${policy('a')}, null]`, /policy 1 of its default export must be an object/],
  ]
  for (const [source, message] of cases) {
    const file = moduleOf(source)
    const error = await loadPolicies(file).then(
      () => undefined,
      (thrown: Error) => thrown,
    )
    t.match(error, { code: 'NUMACAST_INVALID_ARGUMENT', message }, source)
    t.ok(error?.message.startsWith(`${file}: `), `${error?.message} begins with the file`)
  }
})

t.test('the policy in docs/cli.md is one, and wants what the page states', async (t) => {
  const page = readFileSync(path.resolve(import.meta.dirname, '../../../../docs/cli.md'), 'utf8')
  const policies = await loadPolicies(moduleOf(/```js\n(.*?)```/s.exec(page)?.[1] ?? ''))
  const fleet = new PolicyFleet({
    name: 'none',
    initial: null,
    decide: () => ({ wanted: [], undecided: [], state: null }),
  })
  fleet.zone(0, { memoryAvailableBytes: 2 ** 30 - 1 })
  fleet.zone(1, { memoryAvailableBytes: 2 ** 30 })
  const { wanted, failures } = new PolicyRunner(policies).run(fleet.builder.snapshot(), 0)
  t.strictSame(failures, [])
  t.match(wanted, [{ intent: { kind: 'pause-node', target: 'boot/0', reason: 'less than 1 GiB' } }])
  t.equal(wanted.length, 1)
})

t.test('a file that does not exist is not found', async (t) => {
  mkdirSync(path.join(folder, 'directory'))
  for (const name of ['nowhere.js', 'directory']) {
    const file = path.join(folder, name)
    await t.rejects(loadPolicies(file), { code: 'NUMACAST_NOT_FOUND', message: `there is no policy file ${file}` })
  }
})

t.test('policies of files are added to the default ones, or replace those of the same name', async (t) => {
  const own = moduleOf(`export default [${policy('own')}, ${policy('memory-stall')}]`)
  const choice = { files: [own], disabled: ['cpu-shortage', 'own'], withDefaults: true }
  const chosen = await choosePolicies(choice)
  t.strictSame(
    chosen.map(({ name }) => name),
    ['memory-pressure', 'memory-stall', 'memory-trend', 'stalled-loops', 'zone-imbalance', 'collector-loss'],
  )
  t.equal(chosen[1]?.initial, null, 'the one of the file')
  const alone = await choosePolicies({ files: [own], disabled: [], withDefaults: false })
  t.strictSame(
    alone.map(({ name }) => name),
    ['own', 'memory-stall'],
  )
})

t.test('a name that two files use, and an unknown name to disable, are refused', async (t) => {
  const [a, b] = [moduleOf(`export default ${policy('x')}`), moduleOf(`export default ${policy('x')}`)]
  const twice = moduleOf(`export default [${policy('y')}, ${policy('y')}]`)
  const choose = (files: string[], disabled: string[] = []): Promise<unknown> =>
    choosePolicies({ files, disabled, withDefaults: false })
  const code = 'NUMACAST_INVALID_ARGUMENT'
  await t.rejects(choose([a, b]), {
    code,
    message: `${a} and ${b} both have a policy named x: each needs a name of its own`,
  })
  await t.rejects(choose([twice]), { code, message: `${twice} has two policies named y: each needs a name of its own` })
  await t.rejects(choose([a], ['z']), { code, message: 'there is no policy z to disable; there are x' })
  await t.rejects(choose([], ['z']), { code, message: 'there is no policy z to disable' })
})
