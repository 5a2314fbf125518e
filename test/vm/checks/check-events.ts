import type { Test } from 'tap'
import type { Machine } from '../machine.js'
import type { ExitMeasurement, MigrationMeasurement, PressureMeasurement } from '../protocol.js'

export function checkMigration(t: Test, _machine: Machine, measured: readonly MigrationMeasurement[]): void {
  t.equal(measured.length, 2, 'all cases were measured')
  for (const { title, limitBefore, limitAfter, limitsRead, ...discoveries } of measured) {
    t.same(limitsRead, [limitBefore, limitAfter], `${title}: the old limit, then the new one, and nothing else`)
    t.equal(discoveries.discoveriesAfter, discoveries.discoveriesBefore + 1, `${title}: looked up once more`)
  }
}

export function checkPressure(t: Test, { layout }: Machine, measured: readonly PressureMeasurement[]): void {
  const scopes = layout === 'v1' ? ['system'] : ['system', 'group']
  t.same(
    measured.map(({ scope }) => scope),
    scopes,
    'every scope that the layout has',
  )
  for (const { scope, status, stallUs, stalledUs, totalUs, totalBefore, totalAfter } of measured) {
    t.ok(totalUs !== null && stalledUs !== null, `${scope}: the trigger fired (${status})`)
    t.ok(Number(stalledUs) >= stallUs, `${scope}: stalled for ${stalledUs} µs, asked for ${stallUs}`)
    t.ok(
      totalBefore < Number(totalUs) && Number(totalUs) <= totalAfter,
      `${scope}: total ${totalUs} lies between the file's ${totalBefore} and ${totalAfter}`,
    )
  }
}

export function checkExit(t: Test, _machine: Machine, measured: readonly ExitMeasurement[]): void {
  const [child, killed, exited, threaded] = measured
  // Node itself asks for its child's exit code, and may be first: then this kernel no longer says how it ended.
  const known = { cause: 'killed', signal: 'SIGKILL', exitCode: null }
  t.ok(child?.exit !== null, `a child that is killed is noticed (${child?.status})`)
  if (child?.exit?.cause !== 'unknown') t.match(child?.exit, known, 'and how it ended')
  t.match(killed?.exit, known, 'a stranger that is killed')
  t.match(exited?.exit, { cause: 'exited', signal: null, exitCode: 3 }, 'a stranger that exits')
  t.match(threaded?.exit, { cause: 'exited', signal: null, exitCode: 4 }, 'a stranger of many threads that exits')
}
