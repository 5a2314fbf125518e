import os from 'node:os'

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

function signalName(signal: number): string {
  for (const [name, number] of Object.entries(os.constants.signals)) if (number === signal) return name
  return `SIG${signal}`
}
