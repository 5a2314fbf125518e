import { closeTogether } from '../core/close-all.js'
import { seededRandom } from '../core/random.js'
import { type ProcessProbe, type ProcessReading, unknownReading } from '../liveliness/process-reading.js'
import { joinDomain, type Participant } from '../pubsub/participant.js'
import type { JoinOptions } from '../pubsub/participant-options.js'
import { Range } from '../transport/lane/range.js'
import { MemoryNetwork, type MemoryNetworkOptions } from '../transport/memory/memory-network.js'
import type { ProcessIdentity } from '../wire/descriptor.js'
import type { BlockableLoop } from './blockable-loop.js'
import { FakeClock } from './fake-clock.js'
import { loadRoles } from './load-roles.js'
import type { MemoryKernel, MemoryProcessOptions } from './memory-kernel.js'

export interface MemoryPlaneOptions extends Omit<MemoryNetworkOptions, 'clock' | 'random'> {
  /** Answers for the kernels of all hosts. @default what {@link MemoryPlane.probes} holds */
  readonly kernel?: MemoryKernel
}

/** The identity of a simulated process. */
export type MemoryIdentity = Partial<ProcessIdentity> & MemoryProcessOptions

/** A domain inside this process: fake clock, memory network, seeded random numbers. */
export class MemoryPlane {
  readonly clock = new FakeClock()
  readonly network: MemoryNetwork
  /** What the kernel reports of a participant's process, by participant name. */
  readonly probes: Map<string, ProcessProbe | ProcessReading> = new Map()
  /** What a name resolves to if it is not a participant's. */
  readonly hosts = new Map<string, readonly string[]>()
  readonly kernel: MemoryKernel | undefined
  readonly #seed: number
  readonly #names = new Map<number, string>()
  readonly #open = new Set<Participant>()
  #joined = 0

  constructor(seed = 1, { kernel, ...options }: MemoryPlaneOptions = {}) {
    this.#seed = seed
    this.kernel = kernel
    this.network = new MemoryNetwork({ clock: this.clock, random: seededRandom(seed), ...options })
  }

  /** @param loop the participant's own main loop, which a test may block */
  async join(
    name: string,
    options: JoinOptions = {},
    { user, knowsTimeOffset, ...place }: MemoryIdentity = {},
    loop?: BlockableLoop,
  ): Promise<Participant> {
    const transport = this.network.open(name, options.range === Range.off ? Range.off : Range.subnet)
    const pid = ++this.#joined
    this.#names.set(pid, name)
    const identity: ProcessIdentity = {
      ...{ host: 'memory', bootId: 'boot', pid, startTimeTicks: pid, pidNamespace: 1, networkNamespace: 1 },
      ...place,
    }
    const { kernel } = this
    kernel?.start(identity, {
      ...(user !== undefined && { user }),
      ...(knowsTimeOffset !== undefined && { knowsTimeOffset }),
    })
    const participant = await joinDomain(
      { domain: 1, name, ...options },
      {
        clock: loop ?? this.clock,
        transport: loop === undefined ? transport : loop.through(transport),
        resolve: async (host) => {
          const addresses = this.hosts.get(host) ?? [host]
          if (addresses.length === 0) throw new Error(`no address for ${host}`)
          return addresses
        },
        random: seededRandom(this.#seed * 1000 + pid),
        identity,
        checkOwnProcess: () => kernel?.differenceOf(identity) ?? null,
        probe: (asked) => {
          if (kernel !== undefined) return kernel.probe(identity, asked)
          return reading(this.probes.get(this.#names.get(asked.pid) ?? '') ?? unknownReading)
        },
      },
    )
    this.#open.add(participant)
    return participant
  }

  /** Advances time until `promise` settles, after the modules that a role may wait for are loaded. */
  async settle<T>(promise: Promise<T>, limitMs = 60_000): Promise<T> {
    await loadRoles()
    let done = false
    const finish = (): void => {
      done = true
    }
    promise.then(finish, finish)
    for (let passedMs = 0; !done; passedMs += 5) {
      if (passedMs > limitMs) throw new Error(`not settled after ${limitMs} ms of fake time`)
      await this.clock.advance(5)
    }
    return promise
  }

  async close(): Promise<void> {
    await this.settle(closeTogether([...this.#open].map((participant) => () => participant.close())))
  }
}

function reading(probe: ProcessProbe | ProcessReading): ProcessReading {
  return typeof probe === 'string' ? { state: probe, cpuTimeMs: null, end: null } : probe
}
