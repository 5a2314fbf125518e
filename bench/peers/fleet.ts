/** What a late joiner wants to know: one row of a fleet's roster, some 200 bytes as JSON. */
export interface FleetRow {
  readonly workerId: string
  readonly host: string
  readonly numaNode: number
  readonly state: string
  readonly inFlight: number
  readonly completed: number
  readonly load: number
  readonly queue: string
  readonly release: string
  readonly updatedMs: number
}

export const fleetFields = [
  'workerId',
  'host',
  'numaNode',
  'state',
  'inFlight',
  'completed',
  'load',
  'queue',
  'release',
  'updatedMs',
] as const satisfies readonly (keyof FleetRow)[]

const states = ['available', 'busy', 'draining', 'unhealthy'] as const

export function fleetRow(index: number): FleetRow {
  return {
    workerId: `worker-${String(index).padStart(5, '0')}`,
    host: `node-${String(index % 64).padStart(3, '0')}.example`,
    numaNode: index % 4,
    state: states[index % states.length] ?? 'available',
    inFlight: index % 17,
    completed: index * 7919,
    load: (index % 1000) / 1000,
    queue: `render-${index % 5}`,
    release: `2.${index % 20}.${index % 7}`,
    updatedMs: 1_750_000_000_000 + index,
  }
}

/** @throws Error unless `rows` are exactly the fleet of that size */
export function checkFleet(rows: ReadonlyMap<string, FleetRow>, size: number): void {
  if (rows.size !== size) throw new Error(`${rows.size} instances instead of ${size}`)
  for (let index = 0; index < size; index++) {
    const wanted = fleetRow(index)
    const found = rows.get(wanted.workerId)
    for (const field of fleetFields) {
      if (found?.[field] !== wanted[field]) {
        throw new Error(`${wanted.workerId}: ${field} is ${String(found?.[field])} instead of ${String(wanted[field])}`)
      }
    }
  }
}
