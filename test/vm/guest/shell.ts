import { spawnSync } from 'node:child_process'

/** Runs a program of the guest and returns its output. */
export function run(command: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: exit code ${status}: ${stderr.trim()}`)
  return stdout
}
