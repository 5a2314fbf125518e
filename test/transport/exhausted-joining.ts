/** Joins a domain with 0, 1, 2, … free file descriptors. Prints what became of each attempt. */
import { closeSync, openSync } from 'node:fs'
import { joinDomain } from '../../src/pubsub/participant.js'

const attempts: { readonly code: string; readonly bootId?: string }[] = []
for (let spare = 0; spare <= 24; spare++) {
  const hoard: number[] = []
  try {
    for (;;) hoard.push(openSync('/dev/null', 'r'))
  } catch {
    // No descriptor is left.
  }
  for (const descriptor of hoard.splice(0, spare)) closeSync(descriptor)
  const attempt = await joinDomain({ domain: Number(process.env.DOMAIN), name: 'late' }).catch(({ code }) => code)
  for (const descriptor of hoard) closeSync(descriptor)
  if (typeof attempt === 'string') attempts.push({ code: attempt })
  else {
    attempts.push({ code: 'joined', bootId: attempt.identity.bootId })
    await attempt.close()
  }
}
console.log(JSON.stringify(attempts))
