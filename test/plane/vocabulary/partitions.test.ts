import t from 'tap'
import type { IntentStatus } from '../../../src/plane/intents/transitions.js'
import { intentStatus } from '../../../src/plane/intents/transitions.js'
import { keyParts } from '../../../src/plane/vocabulary/keys.js'
import { downPartition, upPartition } from '../../../src/plane/vocabulary/partitions.js'

t.test('each kernel boot and node has one up and one down partition', (t) => {
  const boot = '12345678-9abc-def0-1234-56789abcdef0'
  t.equal(upPartition(boot, 0), `up/${boot}/0`)
  t.equal(downPartition(boot, 3), `down/${boot}/3`)
  t.throws(() => upPartition(boot, -1), { code: 'NUMACAST_INVALID_ARGUMENT' })
  t.throws(() => downPartition(boot, 0.5), { code: 'NUMACAST_INVALID_ARGUMENT' })
  t.end()
})

t.test('the parts of a key round-trip, whatever characters they contain', (t) => {
  for (const [intentId, workerId] of [
    ['i-1', 'w'],
    ['a/b', '~c/~1'],
    ['~', '/'],
  ] as const) {
    const key = intentStatus.keyOf({ intentId, workerId } as IntentStatus)
    t.strictSame(keyParts(key), [intentId, workerId])
  }
  t.end()
})
