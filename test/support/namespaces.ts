import { execFileSync, spawnSync } from 'node:child_process'
import type { Test } from 'tap'
import { Namespace } from './namespace.js'
import { NamespacedHost } from './namespaced-host.js'
import { requirement } from './requirement.js'

/**
 * Several hosts on one machine. Each is a network namespace. Bridges in a further namespace join them like a switch.
 * The network of the machine itself is unchanged, and no namespace has a name that could collide. All namespaces end
 * with the test process, however it ends.
 *
 * Every host looks like another machine to the programs that run on it: boot id, host name, PID namespace and `/sys` are
 * its own. The clock, the CPUs and the cgroups are shared.
 *
 *     const network = await networkOf(t, ['a', 'b'])
 *     if (network === undefined) return
 *     const writer = network.host('a').run(script, ['…'])
 *     network.lose(30)            // percent, each way between any two hosts
 *     network.partition(['a'], ['b'])
 *     network.heal()
 */
export class HostNetwork {
  readonly #switch: Namespace
  readonly #hosts = new Map<string, NamespacedHost>()
  readonly #sides: string[][] = []
  readonly #rulesOf = new Map<string, Set<Shortcoming>>()
  #lossPercent = 0
  #cables = 0

  private constructor(bridges: Namespace) {
    this.#switch = bridges
  }

  /** Closed by the teardown of the test. */
  static async open(t: Test, names: readonly string[]): Promise<HostNetwork> {
    const network = new HostNetwork(await Namespace.open({ net: true }))
    t.teardown(() => network.close())
    await network.addLan(1)
    for (const name of names) await network.addHost(name)
    return network
  }

  host(name: string): NamespacedHost {
    const host = this.#hosts.get(name)
    if (host === undefined) throw new Error(`no host ${name}`)
    return host
  }

  /** A host on LAN 1, as 10.77.1.<n>. */
  async addHost(name: string): Promise<NamespacedHost> {
    const host = await NamespacedHost.open(name)
    this.#hosts.set(name, host)
    await this.connect(name, 1)
    return host
  }

  /** Another broadcast domain: 10.77.<lan>.0/24. LAN 1 is there from the start. */
  async addLan(lan: number): Promise<void> {
    await this.#switch.exec(`ip link add lan${lan} type bridge mcast_snooping 0 && ip link set lan${lan} up`)
  }

  /** Gives the host an interface on that LAN, named `eth0`, `eth1`, …. Returns its address. */
  async connect(name: string, lan: number): Promise<string> {
    const host = this.host(name)
    const port = `${name.slice(0, 8)}-${this.#cables++}`
    const address = `10.77.${lan}.${[...this.#hosts.keys()].indexOf(name) + 1}`
    const interfaceName = `eth${host.ports.length}`
    await this.#switch.exec(
      `ip link add ${port} type veth peer name ${interfaceName} netns ${host.namespace.pid} && ` +
        `ip link set ${port} master lan${lan} && ip link set ${port} up`,
    )
    await host.namespace.exec(`ip addr add ${address}/24 dev ${interfaceName} && ip link set ${interfaceName} up`)
    host.ports.push({ port, interfaceName, address })
    return address
  }

  /** Pulls the host's cable (the interface stays, without a carrier), or plugs it in again. */
  async cable(name: string, interfaceName: string, state: 'in' | 'out'): Promise<void> {
    const port = this.host(name).ports.find((known) => known.interfaceName === interfaceName)?.port
    await this.#switch.exec(`ip link set ${port} ${state === 'in' ? 'up' : 'down'}`)
  }

  /** Drops this share of all packets between hosts, of any protocol: 0 … 99 percent. */
  lose(percent: number): void {
    this.#lossPercent = percent
    this.#apply()
  }

  /** Drops all packets between hosts of different sides from now on. A host in no side reaches all hosts. */
  partition(...sides: readonly (readonly string[])[]): void {
    this.#sides.splice(0, this.#sides.length, ...sides.map((side) => [...side]))
    this.#apply()
  }

  heal(): void {
    this.partition()
  }

  /**
   * Restricts packets from and to the host: `no-multicast` as in most clouds, `tcp-only` as behind strict firewalls. A
   * `deaf` host receives no multicast, but its own multicast is received.
   */
  restrict(name: string, ...shortcomings: readonly Shortcoming[]): void {
    this.#rulesOf.set(name, new Set(shortcomings))
    this.#apply()
  }

  async close(): Promise<void> {
    await Promise.all([...this.#hosts.values()].map((host) => host.namespace.close()))
    await this.#switch.close()
  }

  #apply(): void {
    this.#switch.execSync(
      'nft -f -',
      ['table bridge faults', 'delete table bridge faults', ...this.#table()].join('\n'),
    )
  }

  #table(): string[] {
    const rules = [...this.#partitionRules(), ...this.#restrictionRules()]
    if (this.#lossPercent > 0) rules.push(`meta protocol ip numgen random mod 100 < ${this.#lossPercent} drop`)
    const chain = ['type filter hook forward priority 0', ...rules].map((line) => `    ${line}`)
    return ['table bridge faults {', '  chain passing {', ...chain, '  }', '}', '']
  }

  #partitionRules(): string[] {
    return this.#sides.flatMap((from) =>
      this.#sides.flatMap((to) =>
        from === to ? [] : [`iifname ${this.#portSet(from)} oifname ${this.#portSet(to)} drop`],
      ),
    )
  }

  #restrictionRules(): string[] {
    return [...this.#rulesOf].flatMap(([name, shortcomings]) =>
      [...shortcomings].flatMap((shortcoming) => {
        const what = shortcoming === 'tcp-only' ? 'ip protocol udp' : 'ip daddr 224.0.0.0/4'
        // The output of the switch is the input of the host.
        const ways = shortcoming === 'deaf' ? ['oifname'] : ['iifname', 'oifname']
        return ways.map((way) => `${way} ${this.#portSet([name])} ${what} drop`)
      }),
    )
  }

  #portSet(names: readonly string[]): string {
    const ports = names.flatMap((name) => this.host(name).ports.map(({ port }) => `"${port}"`))
    return `{ ${ports.join(', ')} }`
  }
}

export type Shortcoming = 'no-multicast' | 'tcp-only' | 'deaf'

/**
 * Opens a network of these hosts. If the machine does not support one, the test is skipped with the reason, and the
 * result is undefined.
 */
export async function networkOf(t: Test, names: readonly string[]): Promise<HostNetwork | undefined> {
  const missing = whatIsMissing()
  if (!requirement(t, 'network namespaces', missing === undefined, missing ?? '')) return undefined
  return HostNetwork.open(t, names)
}

/** Probes for support, in a namespace that ends with the command. */
function whatIsMissing(): string | undefined {
  if (process.platform !== 'linux') return 'this is not Linux'
  if (process.getuid?.() !== 0) return 'not root'
  const probe = [
    'ip link add lan type bridge mcast_snooping 0',
    'ip link add one type veth peer name other',
    "printf 'table bridge t {\\n chain c {\\n type filter hook forward priority 0\\n numgen random mod 100 < 1 drop\\n }\\n}\\n' | nft -f -",
  ]
  for (const tool of ['ip', 'nft', 'unshare', 'nsenter', 'setpriv']) {
    if (spawnSync(tool, ['--version']).error !== undefined) return `there is no command ${tool}`
  }
  try {
    execFileSync('unshare', ['--net', '--mount', '--uts', '--pid', '--fork', 'sh', '-ec', probe.join('\n')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    return undefined
  } catch (error) {
    return String((error as { stderr?: unknown }).stderr ?? error).trim()
  }
}
