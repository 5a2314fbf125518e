import type { Seq } from '../../core/ids.js'
import type { PullToken } from '../../wire/pull.js'
import { eachMatch, type RemotePeer } from '../peer/remote-peer.js'
import type { WriterProxy } from '../reader/writer-proxy.js'

/** Holds what was assumed of a peer when it was asked. Its reply is compared with that. */
export interface PullSnapshot {
  readonly version: number
  readonly heads: ReadonlyMap<WriterProxy, Seq>
  readonly stale: ReadonlySet<WriterProxy>
  /** Writers of which a reader has nothing yet. */
  readonly newcomers: ReadonlySet<WriterProxy>
  /** The numbers that the request gives as applied: none during a bootstrap, or before the first catch-up. */
  readonly applied: ReadonlyMap<WriterProxy, Seq>
  /** A reader without a token is a newcomer; a reader with token 0 was there before the first change. */
  readonly tokens: PullToken[]
}

export function pullSnapshotOf(peer: RemotePeer): PullSnapshot {
  const heads = new Map<WriterProxy, Seq>()
  const stale = new Set<WriterProxy>()
  const newcomers = new Set<WriterProxy>()
  const applied = new Map<WriterProxy, Seq>()
  const tokens: PullToken[] = []
  for (const { reader, proxy } of eachMatch(peer)) {
    const { bootstrap, progress, started, info } = proxy
    heads.set(proxy, progress.headSeq)
    if (proxy.stale) stale.add(proxy)
    if (!started) newcomers.add(proxy)
    else if (bootstrap === undefined && !proxy.stale) applied.set(proxy, progress.appliedSeq)
    const seq = bootstrap?.cursor ?? progress.appliedSeq
    if (bootstrap === undefined && (proxy.stale || (!started && seq === 0))) continue
    tokens.push({ reader: reader.entity, writer: info.entity, seq, base: bootstrap?.base ?? seq })
  }
  return { version: peer.announcedVersion, heads, stale, newcomers, applied, tokens }
}
