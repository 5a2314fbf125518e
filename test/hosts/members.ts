import { fileURLToPath } from 'node:url'
import { eventually } from '../../src/testing/eventually.js'
import type { HostProcess } from '../support/namespaced-host.js'
import type { HostNetwork } from '../support/namespaces.js'
import type { MemberState } from './member.js'

const program = fileURLToPath(new URL('./member.js', import.meta.url))

export interface MemberOptions {
  readonly instances?: number
  readonly range?: string
  readonly peers?: readonly string[]
}

/** A running member.ts, and its commands. */
export class Member {
  readonly name: string
  readonly process: HostProcess
  #asked = 0
  #wrote = 0

  constructor(network: HostNetwork, host: string, name: string, options: MemberOptions = {}) {
    const { instances = 20, range = 'subnet', peers = [] } = options
    this.name = name
    this.process = network.host(host).run(program, ['7', name, String(instances), range, peers.join(',')])
  }

  async ready(): Promise<this> {
    await this.process.line(/^ready$/)
    return this
  }

  /** Resolves when it has made that many further changes, one every 5 ms. */
  async write(changes: number): Promise<void> {
    const nth = ++this.#wrote
    this.process.writeLine(`write ${changes}`)
    await this.#answer(/^wrote$/, nth)
  }

  async state(): Promise<MemberState> {
    const nth = ++this.#asked
    this.process.writeLine('state')
    return JSON.parse((await this.#answer(/^state /, nth)).slice('state '.length))
  }

  #answer(pattern: RegExp, nth: number): Promise<string> {
    return eventually(
      `${this.name} answers ${pattern}`,
      () => this.process.lines.filter((line) => pattern.test(line))[nth - 1],
      5,
    )
  }
}

/** Starts one member per host, named as the host. */
export function startMembers(network: HostNetwork, hosts: readonly string[]): Promise<Member[]> {
  return Promise.all(hosts.map((host) => new Member(network, host, host).ready()))
}

/** Waits until every member holds exactly what all of them wrote last. Returns their states. */
export async function converged(members: readonly Member[]): Promise<MemberState[]> {
  const names = members.map(({ name }) => name).join(', ')
  return eventually(
    `${names} hold the same`,
    async () => {
      const states = await Promise.all(members.map((member) => member.state()))
      const all = sorted(Object.assign({}, ...states.map(({ own }) => own)))
      return states.every(({ held }) => sorted(held) === all) ? states : undefined
    },
    200,
  )
}

function sorted(values: Record<string, number>): string {
  return JSON.stringify(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Waits until the member sees these peers with this liveliness. */
export async function untilPeers(member: Member, wanted: Record<string, string>): Promise<void> {
  await eventually(`${member.name} sees ${JSON.stringify(wanted)}`, async () => {
    const { peers } = await member.state()
    return Object.entries(wanted).every(([name, liveliness]) => peers[name] === liveliness)
  })
}
