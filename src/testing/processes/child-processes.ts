import { readdirSync, readFileSync } from 'node:fs'
import { mustBeSystemError } from '../../core/error-code.js'

/** Returns whether the process exists and has not ended. A zombie counts as ended. Linux only. */
export function isRunning(pid: number): boolean {
  const state = statFields(pid)?.[0]
  return state !== undefined && state !== 'Z' && state !== 'X'
}

/** Returns the pids of the running processes whose parent is `pid`. Linux only. */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => statFields(candidate)?.[1] === String(pid) && isRunning(candidate))
}

/** What follows the command's name in /proc/<pid>/stat (proc_pid_stat(5)): state, parent, … */
function statFields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch (error) {
    mustBeSystemError(error)
    return undefined // it has ended
  }
}
