import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { endChild, spawnChild } from '../children.js'

/** A peer that is not installed here: a reason to skip it, never a failure. */
export class MissingPeer extends Error {}

export interface ServerProcess {
  readonly port: number
  close(): Promise<void>
}

/** Where daemons are kept, which an ordinary user's PATH does not name. */
const daemonFolders = (process.env.NUMACAST_BENCH_PROGRAMS ?? '/usr/sbin:/usr/local/sbin').split(path.delimiter)
const startMs = 10_000
/** Characters of a server's log, for when it does not come up. */
const keptComplaints = 2_000

/** @throws MissingPeer */
export function findProgram(name: string): string {
  const folders = [...(process.env.PATH ?? '').split(path.delimiter), ...daemonFolders]
  const found = folders.map((folder) => path.join(folder, name)).find((file) => existsSync(file))
  if (found === undefined) throw new MissingPeer(`${name} is not installed`)
  return found
}

/**
 * Runs a server on a free port of 127.0.0.1, with an empty folder of its own, and waits until it accepts connections.
 * @throws MissingPeer
 */
export async function startServer(
  name: string,
  args: (port: number, folder: string) => readonly string[],
): Promise<ServerProcess> {
  const program = findProgram(name)
  const folder = mkdtempSync(path.join(os.tmpdir(), `numacast-bench-${name}-`))
  const port = await freePort()
  const child = spawnChild(program, args(port, folder), { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
  let complaints = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaints = `${complaints}${text}`.slice(-keptComplaints)
  })
  const close = async (): Promise<void> => {
    await endChild(child)
    rmSync(folder, { recursive: true, force: true })
  }
  const deadlineMs = performance.now() + startMs
  while (!(await accepts(port))) {
    if (child.exitCode !== null || performance.now() > deadlineMs) {
      await close()
      throw new Error(`${name} did not come up on port ${port}: ${complaints}`)
    }
    await delay(20)
  }
  return { port, close }
}

/** Free now; a server that takes its port as an argument cannot be told to choose one itself. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => {
        if (typeof address === 'object' && address !== null) resolve(address.port)
        else reject(new Error('no free port'))
      })
    })
  })
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const settle = (accepted: boolean): void => {
      socket.destroy()
      resolve(accepted)
    }
    socket.once('connect', () => settle(true))
    socket.once('error', () => settle(false))
  })
}
