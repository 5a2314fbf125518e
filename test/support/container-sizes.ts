import { Session } from 'node:inspector'
import { json } from 'node:stream/consumers'
import { getHeapSnapshot } from 'node:v8'

/** The parts of a heap snapshot that are read here. */
interface Snapshot {
  readonly snapshot: {
    readonly meta: {
      readonly node_fields: readonly string[]
      readonly node_types: readonly (readonly string[] | string)[]
      readonly edge_fields: readonly string[]
      readonly edge_types: readonly (readonly string[] | string)[]
    }
  }
  readonly nodes: readonly number[]
  readonly edges: readonly number[]
  readonly strings: readonly string[]
}

interface Edge {
  readonly type: string
  readonly name: string
  readonly to: number
}

/** The object that the walk starts from. Its class is found by name. */
class WalkRoot {
  roots: readonly object[]
  constructor(roots: readonly object[]) {
    this.roots = roots
  }

  /** Called after the walk, so that the object is there until then. */
  release(): void {
    this.roots = []
  }
}

const containers = new Set(['Map', 'Set', 'Array'])
/** Internal edges that lead to what a program stored. Others lead to code, maps and the realm. */
const followedInternals = new Set(['table', 'elements', 'properties', 'context'])
const skippedProperties = new Set(['__proto__', 'constructor', 'prototype'])

/**
 * Returns how many elements each Map, Set and Array holds that is reachable from `roots`, also by private fields and by
 * variables that a function has captured directly. The sizes of one place, `Class.#field`, are added up. A container
 * that is held by another has the place of that one, with `[]`.
 */
export async function containerSizes(roots: readonly object[]): Promise<ReadonlyMap<string, number>> {
  const root = new WalkRoot(roots)
  const graph = new HeapGraph((await json(getHeapSnapshot())) as Snapshot)
  const session = new Session()
  session.connect()
  try {
    const sizes = new Map<string, number>()
    for (const [node, place] of graph.containersFrom(WalkRoot.name)) {
      const size = sizeOf(session, graph.idOf(node))
      sizes.set(place, (sizes.get(place) ?? 0) + size)
    }
    return sizes
  } finally {
    session.disconnect()
    root.release()
  }
}

/** The description of a container is `Map(3)`. One that is collected meanwhile has none. */
function sizeOf(session: Session, heapId: number): number {
  let description = ''
  session.post('HeapProfiler.getObjectByHeapObjectId', { objectId: String(heapId) }, (error, answer) => {
    if (error === null) description = answer.result.description ?? ''
  })
  return Number(/\((\d+)\)$/.exec(description)?.[1] ?? 0)
}

class HeapGraph {
  readonly #heap: Snapshot
  readonly #nodeWidth: number
  readonly #edgeWidth: number
  readonly #firstEdge: number[] = []
  readonly #fields: Readonly<Record<'edge_count' | 'id' | 'name' | 'type', number>>

  constructor(heap: Snapshot) {
    this.#heap = heap
    const { node_fields, edge_fields } = heap.snapshot.meta
    this.#nodeWidth = node_fields.length
    this.#edgeWidth = edge_fields.length
    const at = (field: string): number => node_fields.indexOf(field)
    this.#fields = { edge_count: at('edge_count'), id: at('id'), name: at('name'), type: at('type') }
    let edge = 0
    for (let node = 0; node < heap.nodes.length; node += this.#nodeWidth) {
      this.#firstEdge.push(edge)
      edge += this.#field(node, 'edge_count') * this.#edgeWidth
    }
    this.#firstEdge.push(edge)
  }

  idOf(node: number): number {
    return this.#field(node, 'id')
  }

  /** Yields each container that is reachable, with its place. */
  *containersFrom(className: string): IterableIterator<[node: number, place: string]> {
    const start = this.#find(className)
    const seen = new Set([start])
    const open: { node: number; place: string }[] = [{ node: start, place: className }]
    // Grows while it is read.
    for (const { node, place } of open) {
      const name = this.#nameOf(node)
      const isContainer = this.#typeOf(node) === 'object' && containers.has(name)
      if (isContainer) yield [node, place]
      for (const edge of this.#edgesOf(node)) {
        if (seen.has(edge.to)) continue
        seen.add(edge.to)
        open.push({ node: edge.to, place: placeOf({ edge, name, place, isContainer, type: this.#typeOf(node) }) })
      }
    }
  }

  *#edgesOf(node: number): IterableIterator<Edge> {
    const at = node / this.#nodeWidth
    const { edges, strings, snapshot } = this.#heap
    const types = snapshot.meta.edge_types[0] as readonly string[]
    for (let edge = this.#firstEdge[at] ?? 0; edge < (this.#firstEdge[at + 1] ?? 0); edge += this.#edgeWidth) {
      const type = types[edges[edge] ?? 0] ?? ''
      const label = edges[edge + 1] ?? 0
      const name = type === 'element' || type === 'hidden' ? String(label) : (strings[label] ?? '')
      const isFollowed =
        (type === 'property' && !skippedProperties.has(name)) ||
        type === 'element' ||
        type === 'context' ||
        (type === 'internal' && (followedInternals.has(name) || /^\d+$/.test(name)))
      if (isFollowed && !(type === 'context' && name === 'previous')) yield { type, name, to: edges[edge + 2] ?? 0 }
    }
  }

  #find(name: string): number {
    for (let node = 0; node < this.#heap.nodes.length; node += this.#nodeWidth) {
      if (this.#typeOf(node) === 'object' && this.#nameOf(node) === name && this.#hasRoots(node)) return node
    }
    throw new Error(`the heap has no ${name}`)
  }

  #hasRoots(node: number): boolean {
    return [...this.#edgesOf(node)].some(({ type, name }) => type === 'property' && name === 'roots')
  }

  #typeOf(node: number): string {
    const types = this.#heap.snapshot.meta.node_types[0] as readonly string[]
    return types[this.#field(node, 'type')] ?? ''
  }

  #nameOf(node: number): string {
    return this.#heap.strings[this.#field(node, 'name')] ?? ''
  }

  #field(node: number, name: 'edge_count' | 'id' | 'name' | 'type'): number {
    return this.#heap.nodes[node + this.#fields[name]] ?? 0
  }
}

interface Step {
  readonly edge: Edge
  readonly name: string
  readonly place: string
  readonly isContainer: boolean
  readonly type: string
}

/** The place of what an edge leads to: parts of a container have its place, and its elements that with `[]`. */
function placeOf({ edge, name, place, isContainer, type }: Step): string {
  if (isContainer) return place.endsWith('[]') ? place : `${place}[]`
  if (type === 'object' && !name.startsWith('system / ')) return `${name}.${edge.name}`
  return edge.type === 'context' ? `(closure).${edge.name}` : place
}
