import { spawnSync } from 'node:child_process'
import type { Test } from 'tap'
import type { MemberEnvironment } from '../../src/testing/processes/member-process.js'
import { requirement } from './requirement.js'

/** An environment that hides or forbids something, as a prefix of the command that runs in it. */
export interface Confinement {
  /** For messages: `hidepid=2, user 65534`. */
  readonly name: string
  /** Options of unshare(1). */
  readonly namespaces: readonly string[]
  /** Shell commands that run in the new namespaces first. */
  readonly setup?: readonly string[]
  /** Whether unshare(1) starts the command as its child: with a PID or a time namespace. @default false */
  readonly forks?: boolean
  /** The command runs as this user and group. @default root */
  readonly user?: number
}

/**
 * Returns how a member of a fleet is started in the confinement. Undefined, with the test skipped, if this machine
 * does not permit it.
 */
export function confinement(t: Test, confined: Confinement): MemberEnvironment | undefined {
  const { forks = false } = confined
  const prefix = commandPrefix(confined)
  const [file = '', ...args] = [...prefix, process.execPath, '-e', '0']
  const tried = spawnSync(file, args, { encoding: 'utf8' })
  const reason = tried.error?.message ?? tried.stderr
  if (!requirement(t, `root and ${confined.name}`, tried.status === 0, reason)) return undefined
  return { prefix, forks }
}

function commandPrefix({ namespaces, setup = [], forks = false, user }: Confinement): readonly string[] {
  const drop = user === undefined ? '' : `setpriv --reuid ${user} --regid ${user} --clear-groups `
  const script = ['set -e', ...setup, `exec ${drop}"$@"`].join('\n')
  return ['unshare', ...namespaces, ...(forks ? ['--fork', '--kill-child'] : []), 'sh', '-c', script, 'sh']
}
