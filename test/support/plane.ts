import type { Test } from 'tap'
import { openPlaneClient } from '../../src/cli/client/plane-client.js'
import { eventually } from '../../src/testing/eventually.js'
import { childrenOf, isRunning } from '../../src/testing/processes/child-processes.js'
import type { StatusDocument, WorkerStatus } from '../../src/views/status/status-document.js'
import { claimDomain } from './domain-lock.js'
import { type CliProcess, type CliResult, explainFailure, runCli, startCli } from './run-cli.js'

/** A plane run by `numacast up` in its own domain, as users run it. */
export interface LivePlane {
  readonly domain: number
  readonly up: CliProcess
  /** Returns what `numacast status --json` prints, from another process; undefined when it finds no plane. */
  status(): Promise<StatusDocument | undefined>
  /** Resolves with the first status that there is. */
  found(): Promise<StatusDocument>
  /** Resolves with the pid of the first node's collector, once it is known. */
  collectorPid(): Promise<number>
  /**
   * Resolves with the worker's row of `numacast status --json`, once `holds` does for it. Until a view in this process
   * shows such a row, no command is started: starting one costs more CPU time than the plane uses.
   */
  worker(workerId: string, holds?: (worker: WorkerStatus) => boolean): Promise<WorkerStatus>
}

export async function startPlane(
  t: Test,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<LivePlane> {
  const domain = await claimDomain(t)
  const up = startCli(['up', '--domain', String(domain), ...args], environment)
  t.teardown(() => stopPlane(up))
  explainFailure(t, up)
  const { view, close } = await openPlaneClient(domain, 'test')
  t.teardown(close)
  const status = async (): Promise<StatusDocument | undefined> => {
    const { stdout } = await runCli(['status', '--json', '--domain', String(domain)])
    return stdout === '' ? undefined : JSON.parse(stdout)
  }
  return {
    domain,
    up,
    status,
    found: () => eventually(`a plane in domain ${domain}`, status),
    collectorPid: () => {
      return eventually(`a collector in domain ${domain}`, async () => (await status())?.nodes[0]?.collector.pid)
    },
    async worker(workerId, holds = () => true) {
      const what = `worker ${workerId} in domain ${domain} ${holds}`
      const rowIn = (document: StatusDocument | undefined): WorkerStatus | undefined =>
        document?.workers.find((row) => row.workerId === workerId && holds(row))
      await eventually(`${what}, seen by this process`, () => rowIn(view.status()))
      return eventually(what, async () => rowIn(await status()))
    },
  }
}

/**
 * Runs a command until it finds its plane, and returns what it printed. A machine that is short of CPU may take longer
 * to answer than the command waits: the command then reports that no collector answers, or that one waits for a device.
 */
export function askPlane(args: readonly string[]): Promise<CliResult> {
  return eventually(`numacast ${args.join(' ')} finds a plane`, async () => {
    const result = await runCli(args)
    const unanswered = /^numacast: no (plane|collector) answers in domain /m.test(result.stderr)
    return result.code !== 0 && unanswered ? undefined : result
  })
}

/** Ends every process of the plane, whatever the test did to it. */
async function stopPlane(up: CliProcess): Promise<void> {
  if (!isRunning(up.pid)) return
  const children = childrenOf(up.pid)
  up.child.kill('SIGTERM')
  try {
    await up.finished()
  } finally {
    for (const pid of children.filter(isRunning)) process.kill(pid, 'SIGKILL')
  }
}
