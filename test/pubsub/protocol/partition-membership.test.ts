import t from 'tap'
import { Counters } from '../../../src/core/reporting/counters.js'
import { Announcer } from '../../../src/discovery/announcer.js'
import { GroupTable } from '../../../src/pubsub/endpoints/group-table.js'
import { PartitionMembership } from '../../../src/pubsub/protocol/partition-membership.js'
import { FakeClock } from '../../../src/testing/fake-clock.js'
import { MemoryNetwork } from '../../../src/transport/memory/memory-network.js'

t.test('a group that cannot be joined is reported while it is in use, and retried at its next use', async (t) => {
  const clock = new FakeClock()
  const transport = new MemoryNetwork({ clock, random: () => 0.5 }).open('a')
  const { datagram } = transport
  let isDown = true
  const failing = {
    ...transport,
    datagram: {
      maxBodyBytes: datagram.maxBodyBytes,
      counters: datagram.counters,
      received: 0,
      pending: 0,
      send: () => undefined,
      join: (...args: Parameters<typeof datagram.join>) =>
        isDown ? Promise.reject(new Error('the interface is down')) : datagram.join(...args),
    },
  }
  const nothing = (): void => {}
  const sender = { beacon: nothing, solicit: nothing, presence: nothing }
  const announcer = new Announcer({ clock, random: () => 0.5, sender }, 500)
  const membership = new PartitionMembership({
    groups: new GroupTable(1),
    counters: new Counters(),
    clock,
    transport: failing,
    announcer,
    frames: { onDataFrame: nothing, onSolicitFrame: nothing },
  })
  membership.read('p')
  await t.rejects(membership.ready(), { message: 'the interface is down' })
  membership.stopReading('p')
  await t.resolves(membership.ready(), 'the group is no longer in use')

  membership.read('p')
  await t.rejects(membership.ready())
  isDown = false
  membership.read('p')
  await t.resolves(membership.ready())
  membership.stopReading('p')
  membership.stopReading('p')
  announcer.close()
  await transport.close()
})
