import t from 'tap'
import { mayComplete, statusCaveats } from '../../src/observe/status-caveats.js'
import type { StatusDocument } from '../../src/views/status/status-document.js'
import type { ViewConsistency } from '../../src/views/status/view-consistency.js'
import { sampleDocument, sampleNode } from './sample-document.js'

const healthy = sampleDocument().witness

function unhealthy(witness: Partial<ViewConsistency>, nodes = [sampleNode()]): StatusDocument {
  return sampleDocument({
    nodes,
    witness: { ...healthy, freshness: 'best-effort', degradedMode: 'view-only', ...witness },
  })
}

const absent = { host: 'beta', bootId: 'b', numaNode: 1, workers: 2, silentForMs: 9_000, reportedBy: ['s'] }
const unplaced = {
  workerId: 'w\u001b[2J',
  incarnation: 1,
  pid: 4,
  bootId: 'b',
  host: 'beta',
  numaNode: 1,
  reason: 'not-received' as const,
  unservedForMs: 3_000,
}
const { collector } = sampleNode()
const stopped = sampleNode({ collector: { ...collector, liveliness: 'stalled', cause: 'stopped' } })

t.test('a status that is not healthy has a reason, and more time helps only if nothing is absent', async (t) => {
  const cases: readonly [string, StatusDocument, RegExp[], boolean][] = [
    ['healthy', sampleDocument(), [], false],
    ['an absent node', unhealthy({ reportedElsewhere: [absent] }), [/^node beta\/1 is absent$/], false],
    [
      'a worker without a collector',
      unhealthy({ unplaced: [unplaced] }),
      [/^no collector serves worker w\P{Cc}+$/u],
      false,
    ],
    ['a stopped collector', unhealthy({}, [stopped]), [/^the collector of alpha\/0 is stalled \(stopped\)$/], false],
    [
      'several',
      unhealthy({ unplaced: [unplaced], reportedElsewhere: [absent] }, [stopped]),
      [/beta\/1 is absent/, /no collector/, /the collector of alpha\/0/],
      false,
    ],
    ['an old report', unhealthy({ lagMs: 4_000 }), [/^the oldest report of a node is 4\.0 s old$/], true],
    ['changes behind', unhealthy({ catchUpState: 'lagging', lag: 3 }), [/^3 changes have not arrived$/], true],
    ['no answer yet', unhealthy({ catchUpState: 'recovering' }), [/^not every collector has answered$/], true],
    ['no node', unhealthy({ degradedMode: 'blind', lagMs: null }, []), [/^no node is known$/], true],
  ]
  for (const [name, document, reasons, helps] of cases) {
    const caveats = statusCaveats(document)
    t.equal(caveats.length, reasons.length, `${name}: ${caveats}`)
    for (const [index, reason] of reasons.entries()) t.match(caveats[index], reason, name)
    t.equal(mayComplete(document), helps, name)
  }
})
