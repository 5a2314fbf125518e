import type { StatusDocument } from '../../views/status/status-document.js'

/**
 * Refuses a document that is not known to be the whole truth, after it has been printed.
 *
 * @param remedy what may help if only time is missing
 * @throws NumacastError NUMACAST_UNAVAILABLE that gives the reasons
 */
export async function refuseUnhealthy(document: StatusDocument, remedy = ''): Promise<void> {
  const { mayComplete, statusCaveats } = await import('../../observe/status-caveats.js')
  const { NumacastError } = await import('../../core/errors.js')
  const caveats = statusCaveats(document)
  if (caveats.length === 0) return
  const reasons = caveats.slice(0, 3).join(', ') + (caveats.length > 3 ? ` and ${caveats.length - 3} more` : '')
  const advice = mayComplete(document) ? remedy : ''
  throw new NumacastError('NUMACAST_UNAVAILABLE', `the plane is not healthy: ${reasons}${advice}`)
}
