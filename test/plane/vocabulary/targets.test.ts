import t from 'tap'
import { type NodeCapacity, nodeCapacity } from '../../../src/plane/node/node-capacity.js'
import { nodeRoster, type RosterRow } from '../../../src/plane/node/node-roster.js'
import { keyFrom } from '../../../src/plane/vocabulary/keys.js'
import { nodeName, nodesNamed, nodeTarget, shownTarget } from '../../../src/plane/vocabulary/targets.js'

const alpha = { bootId: 'a1a1a1a1-0000', host: 'alpha', numaNode: 0 }
const beta = { bootId: 'b2b2b2b2-0000', host: 'beta', numaNode: 0 }
/** Another host of the same name. */
const otherAlpha = { bootId: 'c3c3c3c3-0000', host: 'alpha', numaNode: 0 }

t.test('two hosts with one name have different targets and keys', async (t) => {
  t.equal(nodeTarget(alpha), 'a1a1a1a1-0000/0')
  t.not(nodeTarget(alpha), nodeTarget(otherAlpha))
  t.equal(nodeName(alpha), nodeName(otherAlpha))
  t.equal(nodeCapacity.keyOf(alpha as NodeCapacity), keyFrom(['a1a1a1a1-0000', '0']))
  const row = { ...alpha, workerId: 'w' } as RosterRow
  t.equal(nodeRoster.keyOf(row), keyFrom(['a1a1a1a1-0000', '0', 'w']))
})

t.test(
  'a node is found by its target, its name, or a prefix of its boot id, and a shared name is ambiguous',
  async (t) => {
    const nodes = [alpha, beta, otherAlpha]
    t.strictSame(nodesNamed('b2b2b2b2-0000/0', nodes), [beta])
    t.strictSame(nodesNamed('beta/0', nodes), [beta])
    t.strictSame(nodesNamed('c3c3c3c3/0', nodes), [otherAlpha])
    t.strictSame(nodesNamed('alpha/0', nodes), [alpha, otherAlpha])
    for (const text of ['beta', 'beta/1', 'c3c3/0', 'all', '/0', ''])
      t.strictSame(nodesNamed(text, nodes), [], JSON.stringify(text))
  },
)

t.test('a target is shown by the name of its node if no other node has that name', async (t) => {
  t.equal(shownTarget(nodeTarget(beta), [alpha, beta, otherAlpha]), 'beta/0')
  t.equal(shownTarget(nodeTarget(alpha), [alpha, beta, otherAlpha]), nodeTarget(alpha))
  t.equal(shownTarget('all', [alpha]), 'all')
  t.equal(shownTarget('w1', [alpha]), 'w1')
})
