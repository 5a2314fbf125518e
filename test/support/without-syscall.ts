import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { requirement } from './requirement.js'

const script = fileURLToPath(new URL('../../../test/support/without-syscall.py', import.meta.url))

/** Returns the command prefix that refuses a system call. Null, with the test skipped, if there is no seccomp. */
export function withoutSyscall(t: Test, name: 'openat2' | 'set_mempolicy'): readonly string[] | null {
  const tried = spawnSync('python3', [script, name, 'true'], { encoding: 'utf8' })
  const isThere = requirement(t, 'python3 and seccomp', tried.status === 0, tried.error?.message ?? tried.stderr)
  return isThere ? ['python3', script, name] : null
}
