import { nativeAddon } from '../addon/addon.js'
import type { UdpSocket } from '../model/udp-socket.js'

/**
 * All that this process has; `null` without the addon, or when it has no descriptor left to look with. Costs what this
 * process has open, whatever else is on the host.
 */
export function readUdpSockets(): readonly UdpSocket[] | null {
  return nativeAddon()?.readUdpSockets() ?? null
}
