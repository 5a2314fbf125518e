import type { Test } from 'tap'
import { eventually } from '../../src/testing/eventually.js'
import { childrenOf, isRunning } from '../../src/testing/processes/child-processes.js'
import type { StatusDocument, WorkerStatus } from '../../src/views/status-document.js'
import { claimDomain } from './domain-lock.js'
import { type CliProcess, type CliResult, explainFailure, runCli, startCli } from './run-cli.js'

/** A plane run by `numacast up`, in a domain of its own, as a user would have it. */
export interface LivePlane {
  readonly domain: number
  readonly up: CliProcess
  /** What `numacast status --json` prints, from another process; undefined when it finds no plane. */
  status(): Promise<StatusDocument | undefined>
  /** The first status that there is. */
  found(): Promise<StatusDocument>
  /** Of the only node, once one is known. */
  collectorPid(): Promise<number>
  /** The worker's row, once `holds` does for it. */
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
  const status = async (): Promise<StatusDocument | undefined> => {
    const { code, stdout } = await runCli(['status', '--json', '--domain', String(domain)])
    return code === 0 ? JSON.parse(stdout) : undefined
  }
  return {
    domain,
    up,
    status,
    found: () => eventually(`a plane in domain ${domain}`, status),
    collectorPid: () => {
      return eventually(`a collector in domain ${domain}`, async () => (await status())?.nodes[0]?.collector.pid)
    },
    worker: (workerId, holds = () => true) =>
      eventually(`worker ${workerId} in domain ${domain} ${holds}`, async () => {
        const worker = (await status())?.workers.find((candidate) => candidate.workerId === workerId)
        return worker !== undefined && holds(worker) ? worker : undefined
      }),
  }
}

/**
 * What a command answers that finds its plane: it is run again while it finds none, because a machine that is short of
 * CPU may take longer to answer than the command looks for one.
 */
export function askPlane(args: readonly string[]): Promise<CliResult> {
  return eventually(`numacast ${args.join(' ')} finds a plane`, async () => {
    const result = await runCli(args)
    return result.code === 3 && / answers in domain /.test(result.stderr) ? undefined : result
  })
}

/** Whatever the test did to it, nothing of it may outlive the test. */
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
