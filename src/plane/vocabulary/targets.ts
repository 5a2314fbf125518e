/** The target of an intent, and the scope of a configuration, that means the whole fleet. */
export const allTargets = 'all'

/**
 * What identifies one NUMA node of one host. A host name does not: containers have their own, and two hosts may share
 * one.
 */
export interface NodeIdentity {
  /** Of the host's kernel; see `ProcessIdentity.bootId`. */
  readonly bootId: string
  readonly numaNode: number
}

/** A node, with the host name for display. */
export interface NamedNode extends NodeIdentity {
  readonly host: string
}

/** Returns how an intent or a configuration names one NUMA node of one host: `<boot id>/<node id>`. */
export function nodeTarget({ bootId, numaNode }: NodeIdentity): string {
  return `${bootId}/${numaNode}`
}

/** Returns the node's name for people: `<host name>/<node id>`. Two nodes may share one. */
export function nodeName({ host, numaNode }: NamedNode): string {
  return `${host}/${numaNode}`
}

/**
 * Returns the nodes that a person may mean by `text`: a target, a node name, or a target whose boot id is shortened to
 * at least 8 characters. If there are several, the caller lists them and asks for a target.
 */
export function nodesNamed<N extends NamedNode>(text: string, nodes: Iterable<N>): N[] {
  const all = [...nodes]
  const exact = all.filter((node) => nodeTarget(node) === text)
  if (exact.length > 0) return exact
  const slash = text.lastIndexOf('/')
  const [start, numaNode] = [text.slice(0, Math.max(0, slash)), text.slice(slash + 1)]
  return all.filter((node) => {
    if (nodeName(node) === text) return true
    return start.length >= 8 && node.bootId.startsWith(start) && String(node.numaNode) === numaNode
  })
}

/** Returns how a target is shown to people: the node's name if it is unique among `nodes`, else the target itself. */
export function shownTarget(target: string, nodes: Iterable<NamedNode>): string {
  const all = [...nodes]
  const node = all.find((candidate) => nodeTarget(candidate) === target)
  if (node === undefined) return target
  const name = nodeName(node)
  const isUnique = all.every((other) => nodeName(other) !== name || nodeTarget(other) === target)
  return isUnique ? name : target
}
