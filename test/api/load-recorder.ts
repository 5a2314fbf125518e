import { appendFileSync } from 'node:fs'
import type { LoadHook } from 'node:module'

/** A loader hook: appends the URL of each ES module to the file that NUMACAST_LOADS names. */
export const load: LoadHook = async (url, context, next) => {
  appendFileSync(process.env.NUMACAST_LOADS ?? '', `${url}\n`)
  return next(url, context)
}
