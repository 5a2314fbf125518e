import { lazySchema } from '../../core/lazy-schema.js'

/** Kinds are structured by colons, as in `inference:llm:ollama@1`. The version is any text without colons. */
const form = /^[^@\s:]+(?::[^@\s:]+)*@[^@\s:]+$/

/** One ability of a worker: `kind@version`. Only equality counts, also for the version. */
export const capability = lazySchema((z) =>
  z
    .string('must be a text')
    .max(256, 'must have at most 256 characters')
    .regex(form, 'must be kind@version, as in transcode@2 or inference:llm:ollama@1'),
)
