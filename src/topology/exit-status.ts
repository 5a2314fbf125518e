import { readFileSync } from 'node:fs'
import os from 'node:os'
import { checkPid } from './pid.js'

export interface ExitStatus {
  readonly cause: 'exited' | 'killed'
  readonly exitCode: number | null
  /** Name of the signal that killed it, like `SIGKILL`; `SIG34` where it has no name. */
  readonly signal: string | null
  readonly coreDumped: boolean
}

/** Decodes a wait status as `wait(2)` lays it out: low 7 bits the signal, bit 7 core dumped, next byte the code. */
export function decodeWaitStatus(waitStatus: number): ExitStatus {
  const signal = waitStatus & 0x7f
  if (signal === 0) return { cause: 'exited', exitCode: (waitStatus >> 8) & 0xff, signal: null, coreDumped: false }
  return { cause: 'killed', exitCode: null, signal: signalName(signal), coreDumped: (waitStatus & 0x80) !== 0 }
}

/** In words: `SIGKILL`, `SIGSEGV, core dumped`, `exit code 1`. */
export function exitStatusText({ signal, exitCode, coreDumped }: ExitStatus): string {
  if (signal !== null) return `${signal}${coreDumped ? ', core dumped' : ''}`
  return `exit code ${exitCode}`
}

/** The field of `/proc/<pid>/stat` that holds the wait status, counted from the one after the command's name. */
const exitCodeField = 49

/**
 * How a zombie ended; `null` when it is none, when it has been reaped, or when the kernel does not say: it tells the
 * status only to those who may trace the process, and everybody else 0.
 *
 * @param procPath where `/proc` is, for tests
 */
export function readZombieExit(pid: number, procPath = '/proc'): ExitStatus | null {
  let text: string
  try {
    text = readFileSync(`${procPath}/${checkPid(pid)}/stat`, 'latin1')
  } catch {
    return null
  }
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .trimEnd()
    .split(' ')
  const waitStatus = Number(fields[exitCodeField])
  if (fields[0] !== 'Z' || !Number.isInteger(waitStatus)) return null
  // To those who may not ask it says 0 as well, which is then no word on anything.
  return waitStatus === 0 ? null : decodeWaitStatus(waitStatus)
}

function signalName(signal: number): string {
  for (const [name, number] of Object.entries(os.constants.signals)) if (number === signal) return name
  return `SIG${signal}`
}
