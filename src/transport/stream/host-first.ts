/** The endpoints of a lane, best first: the host's local socket, the network's addresses, loopback. */
export function hostFirst(host: readonly string[], network: readonly string[]): readonly string[] {
  const isLocalSocket = (endpoint: string): boolean => endpoint.startsWith('ipc:')
  return [...host.filter(isLocalSocket), ...network, ...host.filter((endpoint) => !isLocalSocket(endpoint))]
}
