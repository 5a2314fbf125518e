import type { LivelinessChange, LivelinessState } from '../views/status/liveliness-history.js'
import { printable } from './printable.js'
import { livelinessText } from './status-table.js'

/** `worker w1 (alpha/0, pid 101): alive → dead (killed: SIGKILL); its work may be given to others`. */
export function livelinessLine({
  workerId,
  host,
  numaNode,
  pid,
  before,
  after,
  mayReassign,
}: LivelinessChange): string {
  const reassign = mayReassign ? '; its work may be given to others' : ''
  return printable(`worker ${workerId} (${host}/${numaNode}, pid ${pid}): ${stepText(before, after)}${reassign}`)
}

function stepText(before: LivelinessState | null, after: LivelinessState): string {
  return before === null ? livelinessText(after) : `${livelinessText(before)} → ${livelinessText(after)}`
}
