import { InvalidArgumentError, Option } from 'commander'
import { type DurationOptions, durationForms, formatDuration, parseDurationMs } from './duration.js'

/** The highest domain: 7400 + 250 · 231 is the last block of ports that fits (DDSI-RTPS 2.5, 9.6.2). */
const highestDomain = 231
/** As long as a name on the plane may be (src/plane/vocabulary/text.ts, which would load the whole plane for a --help). */
export const longestName = 256

/** `--domain N`, which every command that talks to a plane takes. */
export function domainOption(): Option {
  const option = new Option('--domain <n>', `the plane to join, 0 to ${highestDomain}`)
    .default(0)
    .argParser(integerBetween(0, highestDomain))
  // An empty variable counts as not set, as in the library.
  return process.env.NUMACAST_DOMAIN === '' ? option : option.env('NUMACAST_DOMAIN')
}

export function jsonOption(what: string): Option {
  return new Option('--json', what)
}

/** `--wait`, which every command that looks for something on the plane takes. */
export function waitOption(what: string, defaultMs: number): Option {
  return new Option('--wait <duration>', what).argParser(durationMs()).default(defaultMs, formatDuration(defaultMs))
}

/** Follows the options of a command that takes durations. */
export const durationHelp = `\nDurations: ${durationForms}.`

export function integerBetween(lowest: number, highest: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= lowest && value <= highest) return value
    throw new InvalidArgumentError(`Expected a whole number from ${lowest} to ${highest}.`)
  }
}

export function durationMs(options: DurationOptions = {}): (text: string) => number {
  return (text) => {
    try {
      return parseDurationMs(text, options)
    } catch (error) {
      throw new InvalidArgumentError(error instanceof Error ? `It ${error.message}.` : String(error))
    }
  }
}

/** Lets an option be repeated: each use adds what `parse` reads of it. */
export function repeated<T>(
  parse: (text: string) => readonly T[],
): (text: string, before?: readonly T[]) => readonly T[] {
  return (text, before = []) => [...before, ...parse(text)]
}

/** The name of a worker. */
export function nameText(text: string): string {
  if (text.length >= 1 && text.length <= longestName) return text
  throw new InvalidArgumentError(`Expected a name of 1 to ${longestName} characters, and it has ${text.length}.`)
}
