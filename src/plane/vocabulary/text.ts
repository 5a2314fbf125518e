import type { z } from 'zod'
import { lazySchema, type Zod } from '../../core/lazy-schema.js'

/** Bounds for text from other processes: people type names and read notes. */
const nameRule = 'must be a text of 1 to 256 characters'
export const name = lazySchema((z) => z.string(nameRule).min(1, nameRule).max(256, nameRule))
export const note = lazySchema((z) => z.string().max(512))
export const names = lazySchema((z) => z.array(name()).max(64))
/** Models, caches and shards: a worker may hold more of them than it has tags. */
export const manyNames = lazySchema((z) => z.array(name()).max(256))
export const labels = lazySchema((z) => fewEntries(z, z.string().max(256)))
export const weights = lazySchema((z) => fewEntries(z, z.number().nonnegative()))
export const count = lazySchema((z) => z.number().int().nonnegative())
/**
 * The highest incarnation. It is the time of joining in Unix milliseconds; this one is in the year 2248. The latest of
 * several claims counts, so an unbounded forged one would count forever.
 */
export const maxIncarnation = 2 ** 43
export const incarnation = lazySchema(() => count().max(maxIncarnation))
export const countsByName = lazySchema((z) => fewEntries(z, count()))
export const bytes = lazySchema((z) => z.number().nonnegative())
export const cores = lazySchema((z) => z.number().nonnegative())
/** Pressure stall information, `some`: percent of the time in which some task waited. Null: could not be read. */
export const pressurePercent = lazySchema((z) => z.number().min(0).max(100).nullable())

/** Cuts a note to what the schemas accept, so that a long error message never makes a state unpublishable. */
export function toNote(text: string): string {
  return text.length <= 512 ? text : `${text.slice(0, 511)}…`
}

/** Names to values, few enough to travel with every change. */
function fewEntries<V extends z.ZodType>(z: Zod, value: V) {
  return z
    .record(z.string().max(256), value)
    .refine((record) => Object.keys(record).length <= 64, 'more than 64 entries')
}
