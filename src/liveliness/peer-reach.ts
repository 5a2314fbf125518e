/** How an observer reaches a peer, which decides how its silence is measured and what it can mean. */
export const PeerReach = {
  /** The same kernel boot id. Its kernel may be asked; where it does not tell, a lease decides, and may find it dead. */
  host: 'host',
  /** Another host, received by multicast. A lease decides, and finds it unreachable at worst. */
  lan: 'lan',
  /** Another host, received over connections only. Phi decides, and finds it unreachable at worst. */
  far: 'far',
} as const
export type PeerReach = (typeof PeerReach)[keyof typeof PeerReach]

/** Where a peer is, as seen from the observer. */
export interface PeerPlace {
  readonly reach: PeerReach
  /** The same network namespace: between the two there is nothing that could be cut. */
  readonly sharesNetwork: boolean
}
