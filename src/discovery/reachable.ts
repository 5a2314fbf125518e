/** What of a process's identity says whether two share a kernel and its loopback interface. */
export interface NetworkPlace {
  readonly bootId: string
  readonly networkNamespace: number | null
}

/**
 * Of a peer's endpoints those that lead to it from here, in its order. Abstract sockets and loopback addresses mean
 * somebody else, or nobody, outside its own network namespace; namespace inodes are alike on different hosts, so they
 * only say something under one kernel.
 */
export function reachableEndpoints(endpoints: readonly string[], theirs: NetworkPlace, own: NetworkPlace): string[] {
  const isLocal = theirs.bootId === own.bootId && theirs.networkNamespace === own.networkNamespace
  return isLocal ? [...endpoints] : endpoints.filter((endpoint) => !isOnlyLocal(endpoint))
}

function isOnlyLocal(endpoint: string): boolean {
  return endpoint.startsWith('ipc:') || endpoint.startsWith('tcp://127.') || endpoint.startsWith('tcp://[::1]')
}
