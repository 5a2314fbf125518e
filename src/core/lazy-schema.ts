import { createRequire } from 'node:module'
import type { z } from 'zod'
import { once } from './once.js'

/** What a schema is built with. */
export type Zod = typeof z

let loaded: Zod | undefined

/**
 * Returns a function that builds a schema at its first call and returns that schema from then on. Zod is loaded at the
 * first build, because it takes longer to load than Node takes to start.
 */
export function lazySchema<S extends z.ZodType>(build: (z: Zod) => S): () => S {
  return once(() => build(zod()))
}

/**
 * Loads zod for the schemas that are built later. They then share the copy that an application's own `import 'zod'`
 * gets. A schema that is built earlier loads zod's CommonJS copy.
 */
export async function loadZod(): Promise<void> {
  loaded ??= (await import('zod')).z
}

function zod(): Zod {
  loaded ??= (createRequire(import.meta.url)('zod') as { z: Zod }).z
  return loaded
}
