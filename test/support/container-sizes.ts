import { Session } from 'node:inspector'

/** A value as the inspector describes it. */
interface Described {
  readonly objectId?: string | undefined
  readonly className?: string | undefined
  readonly subtype?: string | undefined
  readonly description?: string | undefined
}

/** The containers of one place. */
export interface ContainerSize {
  readonly total: number
  readonly largest: number
}

/** The declarations of Node lack the private ones. */
interface Properties {
  readonly result: readonly { readonly name: string; readonly value?: Described }[]
  readonly privateProperties?: readonly { readonly name: string; readonly value?: Described }[]
}

interface Place {
  readonly object: Described
  readonly name: string
}

const rootKey = 'numacastContainerRoots'
/** Elements of one container that are followed. */
const followed = 64
const skippedClasses =
  /^(Function|AsyncFunction|Promise|Buffer|.*Array|ArrayBuffer|RegExp|Date|AbortController|AbortSignal)$/
const elementsOf = `function () {
  const elements = this instanceof Map ? [...this.keys(), ...this.values()] : [...this]
  return elements.filter((element) => typeof element === 'object' && element !== null).slice(0, ${followed})
}`
const firstSeen = `function (...objects) {
  return objects.map((object) => { const isNew = !this.has(object); this.add(object); return isNew })
}`

/**
 * Returns how many elements each Map, Set and Array holds that is reachable from `roots`, also by private fields, by
 * place: `Class.#field`. Variables that functions have captured are not followed.
 */
export function containerSizes(roots: readonly object[]): ReadonlyMap<string, ContainerSize> {
  const session = new Session()
  session.connect()
  Object.assign(globalThis, { [rootKey]: roots })
  try {
    return new Walk(session).sizes()
  } finally {
    session.disconnect()
    Reflect.deleteProperty(globalThis, rootKey)
  }
}

class Walk {
  readonly #session: Session
  readonly #sizes = new Map<string, ContainerSize>()

  constructor(session: Session) {
    this.#session = session
  }

  sizes(): ReadonlyMap<string, ContainerSize> {
    const seen = this.#evaluate('new WeakSet()')
    const open: Place[] = [{ object: this.#evaluate(`globalThis.${rootKey}`), name: 'roots' }]
    // Grows while it is read.
    for (const place of open) {
      const children = this.#childrenOf(place)
      if (children.length === 0) continue
      const isNew = this.#call(
        seen,
        firstSeen,
        children.map(({ object }) => object),
      ) as readonly boolean[]
      open.push(...children.filter((_, at) => isNew[at]))
    }
    return this.#sizes
  }

  #childrenOf({ object, name }: Place): Place[] {
    const { subtype, className = '', description = '' } = object
    if (subtype === 'map' || subtype === 'set' || subtype === 'array') {
      const size = Number(/\((\d+)\)$/.exec(description)?.[1] ?? 0)
      const { total, largest } = this.#sizes.get(name) ?? { total: 0, largest: 0 }
      this.#sizes.set(name, { total: total + size, largest: Math.max(largest, size) })
      if (size === 0) return []
      const elements = this.#properties(this.#callForObject(object, elementsOf))
      return elements.map((element) => ({ object: element.object, name: `${name}[]` }))
    }
    return this.#properties(object).map((child) => ({ object: child.object, name: `${className}.${child.name}` }))
  }

  #properties({ objectId }: Described): Place[] {
    const found: Place[] = []
    this.#session.post('Runtime.getProperties', { objectId: objectId ?? '', ownProperties: true }, (error, answer) => {
      if (error !== null) return
      const { result, privateProperties = [] } = answer as unknown as Properties
      const all = [...result, ...privateProperties]
      for (const { name, value } of all) {
        if (value?.objectId === undefined || name === '__proto__') continue
        const isContainer = value.subtype === 'array'
        if (!isContainer && skippedClasses.test(value.className ?? '')) continue
        found.push({ object: value, name })
      }
    })
    return found
  }

  #evaluate(expression: string): Described {
    let found: Described = {}
    this.#session.post('Runtime.evaluate', { expression }, (_error, answer) => {
      found = answer.result
    })
    return found
  }

  #callForObject({ objectId }: Described, functionDeclaration: string): Described {
    let found: Described = {}
    this.#session.post(
      'Runtime.callFunctionOn',
      { objectId: objectId ?? '', functionDeclaration },
      (_error, answer) => {
        found = answer.result
      },
    )
    return found
  }

  #call({ objectId }: Described, functionDeclaration: string, objects: readonly Described[]): unknown {
    let value: unknown
    const given = { objectId: objectId ?? '', functionDeclaration, returnByValue: true }
    const args = objects.map((object) => ({ objectId: object.objectId ?? '' }))
    this.#session.post('Runtime.callFunctionOn', { ...given, arguments: args }, (_error, answer?: object) => {
      value = (answer as { readonly result: { readonly value: unknown } }).result.value
    })
    return value
  }
}
