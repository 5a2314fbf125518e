import t from 'tap'
import { type LabelRequirement, meets } from '../../src/placement/request/label-requirement.js'
import { type PlacementRequest, resolveRequest } from '../../src/placement/request/placement-request.js'
import { isTolerated, mayStayMs, type Toleration, tolerates } from '../../src/placement/request/tolerations.js'
import type { Taint } from '../../src/plane/vocabulary/taint.js'

t.test('omitted fields of a request get their defaults', (t) => {
  t.strictSame(resolveRequest({}), {
    capability: null,
    tags: [],
    required: [],
    forbidden: [],
    preferred: [],
    tolerations: [],
    cpus: 0,
    memoryBytes: 0,
    vramBytes: null,
    numa: 'prefer-single',
    queue: null,
    shard: null,
    residents: [],
    priority: 128,
    strategy: 'spread',
  })
  const given: PlacementRequest = {
    capability: 'inference:llm:ollama@1',
    selector: { required: [{ key: 'rack', values: ['1'] }, { key: 'disk' }], preferred: [{ key: 'gpu' }] },
    residents: ['llama', 'llama'],
  }
  const copy = structuredClone(given)
  t.match(resolveRequest(given), {
    capability: 'inference:llm:ollama@1',
    required: [
      { key: 'rack', operator: 'In', values: ['1'] },
      { key: 'disk', operator: 'Exists', values: [] },
    ],
    preferred: [{ key: 'gpu', operator: 'Exists', weight: 1 }],
    residents: ['llama'],
  })
  t.strictSame(given, copy, 'the caller’s object is not changed')
  t.end()
})

t.test('effects may be spelled as in Kubernetes', (t) => {
  const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute', 'no-execute']
  const { tolerations } = resolveRequest({
    tolerations: effects.map((effect) => ({ key: 'a', effect }) as Toleration),
  })
  t.strictSame(
    tolerations.map(({ effect }) => effect),
    ['no-schedule', 'prefer-no-schedule', 'no-execute', 'no-execute'],
  )
  t.end()
})

t.test('an invalid request is refused, and the message names the field', (t) => {
  const cases: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{ capability: 'transcode' }, /capability: must be kind@version/],
    [{ capability: 'a@1@2' }, /capability/],
    [{ cpus: -1 }, /cpus/],
    [{ cpus: Number.POSITIVE_INFINITY }, /cpus/],
    [{ memoryBytes: Number.NaN }, /memoryBytes/],
    [{ numa: 'some' }, /numa/],
    [{ priority: 256 }, /priority/],
    [{ priority: 1.5 }, /priority/],
    [{ tags: [''] }, /tags\.0/],
    [{ cpu: 1 }, /cpu/],
    [{ selector: { required: [{ key: 'a', operator: 'In' }] } }, /selector\.required\.0: In needs at least one value/],
    [{ selector: { required: [{ key: 'a', operator: 'Exists', values: ['1'] }] } }, /Exists takes no values/],
    [{ selector: { forbidden: [{ key: 'a', operator: 'Gt', values: ['x'] }] } }, /Gt needs one integer/],
    [{ selector: { preferred: [{ key: 'a', weight: 101 }] } }, /weight/],
    [{ tolerations: [{ key: 'a', operator: 'Exists', value: 'b' }] }, /value must be empty/],
    [{ tolerations: [{ value: 'b' }] }, /operator must be Exists/],
    [{ tolerations: [{ key: 'a', tolerationSeconds: 5 }] }, /tolerationSeconds needs effect no-execute/],
    [{ tolerations: [{ key: 'a', effect: 'never' }] }, /tolerations\.0\.effect/],
  ]
  for (const [request, message] of cases) {
    t.throws(() => resolveRequest(request as PlacementRequest), { code: 'NUMACAST_INVALID_ARGUMENT', message })
  }
  t.end()
})

t.test('a label condition is evaluated as in Kubernetes', (t) => {
  const labels = { rack: '2', size: '10', name: 'x', odd: '1e3' }
  const cases: readonly (readonly [LabelRequirement & { operator: string }, boolean])[] = [
    [{ key: 'rack', operator: 'In', values: ['1', '2'] }, true],
    [{ key: 'rack', operator: 'In', values: ['1'] }, false],
    [{ key: 'gone', operator: 'In', values: ['1'] }, false],
    [{ key: 'rack', operator: 'NotIn', values: ['1'] }, true],
    [{ key: 'rack', operator: 'NotIn', values: ['2'] }, false],
    [{ key: 'gone', operator: 'NotIn', values: ['2'] }, true],
    [{ key: 'rack', operator: 'Exists' }, true],
    [{ key: 'toString', operator: 'Exists' }, false],
    [{ key: 'gone', operator: 'DoesNotExist' }, true],
    [{ key: 'rack', operator: 'DoesNotExist' }, false],
    [{ key: 'size', operator: 'Gt', values: ['9'] }, true],
    [{ key: 'size', operator: 'Gt', values: ['10'] }, false],
    [{ key: 'size', operator: 'Lt', values: ['11'] }, true],
    [{ key: 'size', operator: 'Lt', values: ['-1'] }, false],
    [{ key: 'name', operator: 'Lt', values: ['11'] }, false],
    [{ key: 'odd', operator: 'Gt', values: ['11'] }, false],
    [{ key: 'gone', operator: 'Gt', values: ['0'] }, false],
  ]
  for (const [requirement, expected] of cases) {
    t.equal(meets(labels, { values: [], ...requirement }), expected, JSON.stringify(requirement))
  }
  t.end()
})

const noSchedule: Taint = { key: 'gpu', value: 'a100', effect: 'no-schedule' }

t.test('a toleration matches a taint as in Kubernetes', (t) => {
  const cases: readonly (readonly [Toleration, boolean])[] = [
    [{ key: 'gpu', value: 'a100' }, true],
    [{ key: 'gpu', value: 'a100', effect: 'no-schedule' }, true],
    [{ key: 'gpu', value: 'a100', effect: 'no-execute' }, false],
    [{ key: 'gpu' }, false],
    [{ key: 'gpu', operator: 'Exists' }, true],
    [{ key: 'tpu', operator: 'Exists' }, false],
    [{ operator: 'Exists' }, true],
    [{ operator: 'Exists', effect: 'prefer-no-schedule' }, false],
  ]
  for (const [toleration, expected] of cases)
    t.equal(tolerates(toleration, noSchedule), expected, JSON.stringify(toleration))
  t.equal(isTolerated(noSchedule, []), false)
  t.end()
})

t.test('work may stay for the shortest toleration of a matching no-execute taint', (t) => {
  const taint: Taint = { key: 'upgrade', value: '', effect: 'no-execute' }
  const other: Taint = { key: 'disk', value: '', effect: 'no-execute' }
  const tolerating = (key: string, tolerationSeconds?: number): Toleration => ({
    key,
    operator: 'Exists',
    effect: 'no-execute',
    ...(tolerationSeconds !== undefined && { tolerationSeconds }),
  })
  t.equal(mayStayMs([noSchedule], []), null, 'only no-execute evicts work')
  t.equal(mayStayMs([taint], []), 0)
  t.equal(mayStayMs([taint], [tolerating('upgrade')]), null)
  t.equal(mayStayMs([taint], [tolerating('upgrade', 60)]), 60_000)
  t.equal(mayStayMs([taint], [tolerating('upgrade'), tolerating('upgrade', 60)]), 60_000)
  t.equal(mayStayMs([taint], [tolerating('upgrade', -5)]), 0, 'a negative time means at once')
  t.equal(mayStayMs([taint, other], [tolerating('upgrade', 60)]), 0, 'another taint is not tolerated')
  t.equal(mayStayMs([taint, other], [tolerating('upgrade', 60), tolerating('disk', 20)]), 20_000)
  t.end()
})
