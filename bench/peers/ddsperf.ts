// Cyclone DDS's own measuring tool, at its defaults but for the interface, which is loopback as for the others.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { endChild, spawnChild } from '../children.js'
import { median, type Summary } from '../harness.js'
import { findProgram } from './server-process.js'

export interface DdsperfPlace {
  readonly domain: number
}

const loopback =
  '<CycloneDDS><Domain><General><Interfaces><NetworkInterface name="lo" multicast="true"/></Interfaces></General>' +
  '</Domain></CycloneDDS>'
/** Its first second holds discovery and growth. */
const settlingSeconds = 1

/**
 * Measures one-way latency in µs: ddsperf halves the round trip, as we do. It prints the median and the 99th percentile
 * of each second. A run returns the medians of these.
 *
 * @param rateHz null: the next ping upon the last pong, which is ddsperf's default
 * @throws MissingPeer
 */
export async function ddsperfPing(
  { domain }: DdsperfPlace,
  order: { readonly seconds: number; readonly bytes: number; readonly rateHz: number | null },
): Promise<Summary> {
  const rate = order.rateHz === null ? [] : [`${order.rateHz}Hz`]
  const lines = await beside(domain, order.seconds, ['pong'], ['ping', ...rate, 'size', String(order.bytes)], 'last')
  const seconds = settled(lines.map((line) => / 50% ([\d.]+)us .* 99% ([\d.]+)us/.exec(line)))
  return {
    median: median(seconds.map(([, p50]) => Number(p50))),
    p99: median(seconds.map(([, , p99]) => Number(p99))),
  }
}

/**
 * Samples per second that the subscriber has taken: reliable and keep-all, ddsperf's defaults, one key.
 * @throws MissingPeer
 */
export async function ddsperfThroughput(
  { domain }: DdsperfPlace,
  order: { readonly seconds: number; readonly bytes: number },
): Promise<number> {
  const lines = await beside(domain, order.seconds, ['sub'], ['pub', 'size', String(order.bytes)], 'first')
  return median(settled(lines.map((line) => / rate ([\d.]+) kS\/s/.exec(line))).map(([, rate]) => Number(rate) * 1000))
}

function settled(matches: readonly (RegExpExecArray | null)[]): readonly RegExpExecArray[] {
  const seconds = matches.filter((match) => match !== null).slice(settlingSeconds)
  if (seconds.length === 0) throw new Error('ddsperf printed no figures')
  return seconds
}

/** Runs the two sides side by side and returns what one of them printed. */
async function beside(
  domain: number,
  seconds: number,
  first: readonly string[],
  last: readonly string[],
  counted: 'first' | 'last',
): Promise<readonly string[]> {
  const program = findProgram('ddsperf')
  const lines: string[] = []
  const start = (mode: readonly string[], isCounted: boolean): ChildProcess => {
    const args = ['-i', String(domain), '-D', String(seconds + settlingSeconds + 1), ...mode]
    const env = { ...process.env, CYCLONEDDS_URI: loopback }
    const child = spawnChild(program, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
    if (child.stdout === null) throw new Error('ddsperf has no output')
    createInterface(child.stdout).on('line', (line) => {
      if (isCounted) lines.push(line)
    })
    return child
  }
  const sides = [start(first, counted === 'first'), start(last, counted === 'last')]
  try {
    await Promise.all(sides.map((side) => once(side, 'close')))
  } finally {
    await Promise.all(sides.map(endChild))
  }
  return lines
}
