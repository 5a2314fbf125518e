/** The target of an intent, and the scope of a configuration, that means everybody. */
export const everyone = 'all'

/** How an intent or a configuration names one NUMA node of one host: `<host>/<node id>`. */
export function nodeTarget(host: string, numaNode: number): string {
  return `${host}/${numaNode}`
}
