import t from 'tap'
import { labelExpression } from '../../../src/cli/options/label-expression.js'
import { taintOption, tolerationOption } from '../../../src/cli/options/taint-option.js'

t.test('a label expression has the forms of kubectl, and comparisons', async (t) => {
  t.same(labelExpression('gpu, !spot, disk=ssd, os==linux, zone!=b, cores>7, cores<9'), [
    { key: 'gpu', operator: 'Exists' },
    { key: 'spot', operator: 'DoesNotExist' },
    { key: 'disk', operator: 'In', values: ['ssd'] },
    { key: 'os', operator: 'In', values: ['linux'] },
    { key: 'zone', operator: 'NotIn', values: ['b'] },
    { key: 'cores', operator: 'Gt', values: ['7'] },
    { key: 'cores', operator: 'Lt', values: ['9'] },
  ])
  t.same(labelExpression('numacast.io/host in (a, b),disk notin (hdd)'), [
    { key: 'numacast.io/host', operator: 'In', values: ['a', 'b'] },
    { key: 'disk', operator: 'NotIn', values: ['hdd'] },
  ])
  for (const text of ['', 'a b', 'a in b', '=a', 'a=b=c', 'a,,b', 'a in (b']) {
    t.throws(() => labelExpression(text), /key=a/, `'${text}'`)
  }
})

t.test('taints and tolerations have the forms of kubectl', async (t) => {
  t.same(taintOption('team=a:NoSchedule'), { key: 'team', value: 'a', effect: 'no-schedule' })
  t.same(taintOption('gpu:no-execute'), { key: 'gpu', effect: 'no-execute' })
  for (const text of ['gpu', 'gpu=a', '*:NoSchedule', ':NoSchedule', 'gpu:Never', 'a b:NoSchedule']) {
    t.throws(() => taintOption(text), Error, `'${text}'`)
  }
  t.same(tolerationOption('team=a'), { key: 'team', value: 'a' })
  t.same(tolerationOption('team'), { key: 'team', operator: 'Exists' })
  t.same(tolerationOption('team=:NoExecute'), { key: 'team', value: '', effect: 'no-execute' })
  t.same(tolerationOption('*'), { operator: 'Exists' })
  t.same(tolerationOption('*:NoSchedule'), { operator: 'Exists', effect: 'no-schedule' })
  t.throws(() => tolerationOption(''), Error)
})
