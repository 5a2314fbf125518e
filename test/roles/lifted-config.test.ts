import t from 'tap'
import { maintenanceMode } from '../../src/plane/intents/config.js'
import { planePartition } from '../../src/plane/vocabulary/partitions.js'
import { nodeTarget } from '../../src/plane/vocabulary/targets.js'
import { MemoryFleet, memoryHost } from '../../src/testing/memory-fleet.js'

const alpha = memoryHost('alpha')
const beta = memoryHost('beta')

for (const outageMs of [20_000, 60_000]) {
  t.test(
    `a scheduler that was cut off for ${outageMs / 1_000} s does not bring a lifted maintenance mode back`,
    async (t) => {
      const fleet = new MemoryFleet()
      await fleet.collector({}, undefined, alpha)
      await fleet.worker('w', {}, alpha)
      await fleet.scheduler({}, undefined, beta)
      const { view, leave } = await fleet.operator('operator', alpha)
      const owner = await fleet.join({ name: 'owner' }, undefined, alpha)
      const modes = owner.writer(maintenanceMode, { partition: planePartition })
      const scope = nodeTarget({ bootId: alpha.bootId, numaNode: 0 })
      await fleet.clock.advance(4_000)
      const isOpen = () => view.status().workers.map(({ admissionOpen }) => admissionOpen)
      const mode = () => view.snapshot().zone(alpha.bootId, 0)?.maintenance
      t.same(isOpen(), [true])
      modes.write({ scope, reason: 'new disks', enabled: true })
      await fleet.clock.advance(2_000)
      t.match([mode(), isOpen()], [{ scope }, [false]])

      fleet.cutHosts([alpha.bootId], [beta.bootId])
      modes.dispose(scope)
      await fleet.clock.advance(2_000)
      await fleet.plane.settle(owner.close())
      t.same([mode(), isOpen()], [null, [true]])
      await fleet.clock.advance(outageMs)
      const wasClosed: boolean[] = []
      view.onChange(() => {
        if (isOpen().includes(false)) wasClosed.push(true)
      })
      fleet.cutHosts()
      await fleet.clock.advance(60_000)
      t.same([mode(), isOpen()], [null, [true]])
      t.same(wasClosed, [], 'not for a moment')
      await leave()
      await fleet.close()
    },
  )
}
