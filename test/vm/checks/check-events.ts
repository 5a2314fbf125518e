import type { Test } from 'tap'
import type { Machine } from '../machine.js'
import type { ExitMeasurement, MigrationMeasurement, PressureMeasurement } from '../protocol.js'

export function checkMigration(t: Test, _machine: Machine, measured: readonly MigrationMeasurement[]): void {
  t.equal(measured.length, 2, 'all cases were measured')
  for (const { title, limitBefore, limitAfter, limitsRead, ...discoveries } of measured) {
    t.same(limitsRead, [limitBefore, limitAfter], `${title}: the old limit, then the new limit, and no other`)
    t.equal(discoveries.discoveriesAfter, discoveries.discoveriesBefore + 1, `${title}: one more lookup`)
  }
}

export function checkPressure(t: Test, { layout }: Machine, measured: readonly PressureMeasurement[]): void {
  const scopes = layout === 'v1' ? ['system'] : ['system', 'group']
  t.same(
    measured.map(({ scope }) => scope),
    scopes,
    'every scope of the layout',
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
  // Node itself waits for the exit code of its child and may be first. Then this kernel does not report the cause.
  const known = { cause: 'killed', signal: 'SIGKILL', exitCode: null }
  t.ok(child?.exit !== null, `the end of a killed child is reported (${child?.status})`)
  if (child?.exit?.cause !== 'unknown') t.match(child?.exit, known, 'the cause of its end')
  t.match(killed?.exit, known, 'a killed process that is not a child')
  t.match(exited?.exit, { cause: 'exited', signal: null, exitCode: 3 }, 'an exited process that is not a child')
  t.match(
    threaded?.exit,
    { cause: 'exited', signal: null, exitCode: 4 },
    'an exited process with many threads that is not a child',
  )
}
