import type { DestinationOrder, Durability, LivelinessKind, Ownership, Reliability } from './policies.js'
import type { ResolvedQos } from './qos.js'

/** What one side announces of its QoS to the other, in the descriptor: all that matching needs. */
export interface AnnouncedQos {
  readonly reliability: Reliability
  readonly durability: Durability
  readonly deadlineMs: number | null
  readonly liveliness: LivelinessKind
  readonly leaseMs: number | null
  readonly ownership: Ownership
  readonly destinationOrder: DestinationOrder
}

/** A writer also announces its strength, by which readers choose an instance's owner, and what its closing means. */
export interface AnnouncedWriterQos extends AnnouncedQos {
  readonly ownershipStrength: number
  readonly autodispose: boolean
}

export function announcedQos(qos: ResolvedQos): AnnouncedQos {
  const { reliability, durability, deadlineMs, liveliness, leaseMs, ownership, destinationOrder } = qos
  return { reliability, durability, deadlineMs, liveliness, leaseMs, ownership, destinationOrder }
}

export function announcedWriterQos(qos: ResolvedQos): AnnouncedWriterQos {
  const { autodispose } = qos.writerDataLifecycle
  return { ...announcedQos(qos), ownershipStrength: qos.ownershipStrength, autodispose }
}
