import t from 'tap'
import { readInterfaceFacts } from '../../../src/transport/interfaces/interface-facts.js'
import { networkPaths } from '../../../src/transport/interfaces/interface-rank.js'
import { readInterfaces } from '../../../src/transport/interfaces/interfaces.js'
import { listOsInterfaces } from '../../../src/transport/lane/os-interfaces.js'
import { plantTree } from '../../support/machine-tree.js'
import { addressesOf, type InterfaceSpec, interfaceFiles, loopback, up } from '../interface-tree.js'

/** A server that has run containers and virtual machines for a long time. */
const server: Record<string, InterfaceSpec> = {
  lo: loopback,
  docker0: { flags: up, operstate: 'up', ifindex: 5, devtype: 'bridge', has: ['bridge'] },
  'br-0a1b2c': { flags: up, operstate: 'down', ifindex: 6, devtype: 'bridge', has: ['bridge'] },
  virbr0: { flags: up, operstate: 'up', ifindex: 7, devtype: 'bridge', has: ['bridge'] },
  veth9a8b: { flags: up, ifindex: 8, iflink: 2, speed: 10_000, has: ['master'] },
  eno1: { flags: up, ifindex: 2, speed: 1_000, has: ['device'], at: 'pci0000:00/0000:00:1f.6' },
  eno2: { flags: up, ifindex: 3, speed: 10_000, has: ['device'], at: 'pci0000:00/0000:00:1f.7' },
  eno3: { flags: up, operstate: 'down', ifindex: 4, speed: -1, has: ['device'], at: 'pci0000:00/0000:00:1f.8' },
  wlp3s0: {
    flags: up,
    ifindex: 9,
    devtype: 'wlan',
    has: ['device', 'wireless', 'phy80211'],
    at: 'pci0000:00/0000:03:00.0',
  },
  wg0: { flags: 0x91, operstate: 'unknown', ifindex: 10, devtype: 'wireguard' },
  tun0: { flags: 0x1051, operstate: 'unknown', ifindex: 11, has: ['tun_flags'] },
  'eno2.7': { flags: up, ifindex: 12, iflink: 3, devtype: 'vlan', speed: 10_000 },
  macvlan1: { flags: up, ifindex: 13, iflink: 3, devtype: 'macvlan' },
}
const serverAddresses = addressesOf({
  lo: ['127.0.0.1/8', '::1/128'],
  docker0: '172.17.0.1/16',
  virbr0: '192.168.122.1/24',
  eno1: ['192.168.1.5/24', '192.168.1.6/24', 'fe80::1/64'],
  eno2: '10.0.0.5/16',
  wlp3s0: '192.168.1.77/24',
  wg0: '10.99.0.2/32',
  tun0: '10.98.0.2/24',
  'eno2.7': '10.7.0.5/24',
  macvlan1: '10.0.3.3/16',
})

const rows = (options: Parameters<typeof readInterfaces>[0]) =>
  readInterfaces(options).map(({ name, kind, use, address }) => `${name} ${kind} ${address} ${use}`)

t.test(
  'a server with containers lists cards first and bridges last, and does not use interfaces that are down',
  async (t) => {
    const root = plantTree(t, interfaceFiles(server))
    t.same(rows({ root, addresses: serverAddresses }), [
      'eno2.7 aggregate 10.7.0.5 multicast and streams',
      'eno2 physical 10.0.0.5 multicast and streams',
      'eno1 physical 192.168.1.5 multicast and streams',
      'wlp3s0 wireless 192.168.1.77 multicast and streams',
      'macvlan1 virtual 10.0.3.3 multicast and streams',
      'tun0 tunnel 10.98.0.2 multicast and streams',
      'wg0 tunnel 10.99.0.2 streams',
      'docker0 bridge 172.17.0.1 multicast and streams',
      'lo loopback 127.0.0.1 host',
      'eno1 physical 192.168.1.6 none',
      'eno3 physical null none',
      'veth9a8b veth null none',
      'br-0a1b2c bridge null none',
      'virbr0 bridge 192.168.122.1 none',
    ])
    const reasons = new Map(
      readInterfaces({ root, addresses: serverAddresses }).map(({ name, reason }) => [name, reason]),
    )
    t.equal(reasons.get('eno3'), 'down')
    t.match(reasons.get('veth9a8b'), /a port of a bridge/)
    t.match(reasons.get('virbr0'), /8 better ones/)
    t.match(reasons.get('wg0'), /a tunnel, without multicast/)
    t.ok([...reasons.values()].every((reason) => reason !== ''))
  },
)

t.test('the interfaces that leave the host are ordered best first', async (t) => {
  const root = plantTree(t, interfaceFiles(server))
  const paths = networkPaths(readInterfaces({ root, addresses: serverAddresses, interfaces: ['eno1', '10.99.0.2'] }))
  t.same(paths, [
    { interfaceName: 'eno1', address: '192.168.1.5', prefixBits: 24, multicast: true },
    { interfaceName: 'wg0', address: '10.99.0.2', prefixBits: 32, multicast: false },
  ])
  const [second] = networkPaths(readInterfaces({ root, addresses: serverAddresses, interfaces: ['192.168.1.6'] }))
  t.equal(second?.address, '192.168.1.6', 'the address that the list names is used')
})

t.test('an interface with several addresses uses one per subnet and shows all of them', async (t) => {
  const root = plantTree(t, interfaceFiles({ lo: loopback, eth0: { flags: up, ifindex: 2, has: ['device'] } }))
  const eth0 = ['10.88.0.1/24', '192.168.99.1/24', '10.88.0.2/24', '10.88.7.7/32', '10.77.0.1/32']
  const addresses = addressesOf({ lo: ['127.0.0.1/8', '10.5.5.5/32'], eth0 })
  t.same(rows({ root, addresses }), [
    'eth0 physical 10.88.0.1 multicast and streams',
    'eth0 physical 192.168.99.1 multicast and streams',
    'lo loopback 127.0.0.1 host',
    'eth0 physical 10.88.0.2 none',
    'eth0 physical 10.88.7.7 none',
    'eth0 physical 10.77.0.1 none',
    'lo loopback 10.5.5.5 none',
  ])
  const reasons = new Map(readInterfaces({ root, addresses }).map(({ address, reason }) => [address, reason]))
  t.equal(reasons.get('10.88.0.2'), 'on the subnet of 10.88.0.1, which is used')
  t.equal(reasons.get('10.77.0.1'), 'a single address: its subnet is empty')
  t.equal(reasons.get('10.5.5.5'), 'loopback, where 127.0.0.1 is used')
  const listed = networkPaths(readInterfaces({ root, addresses, interfaces: ['10.77.0.1', '10.88.0.2'] }))
  t.same(
    listed.map(({ address }) => address),
    ['10.88.0.2', '10.77.0.1'],
    'addresses that the list names are used',
  )
})

t.test(
  'a process that may not list interfaces gets a one-line error; a transient failure is not absence',
  async (t) => {
    const refused = Object.assign(new Error('uv_interface_addresses returned Unknown system error 97'), {
      code: 'ERR_SYSTEM_ERROR',
      info: { errno: 97, code: 'Unknown system error 97', syscall: 'uv_interface_addresses' },
    })
    const fail = (error: Error) => () => {
      throw error
    }
    t.throws(() => listOsInterfaces(fail(refused)), {
      code: 'NUMACAST_UNAVAILABLE',
      message: /^cannot list the network interfaces \(EAFNOSUPPORT\): .*AF_NETLINK[^\n]*$/,
    })
    const exhausted = Object.assign(new Error('x'), { code: 'ERR_SYSTEM_ERROR', info: { errno: 24, code: 'EMFILE' } })
    t.throws(() => listOsInterfaces(fail(exhausted)), { code: 'NUMACAST_TRANSPORT', message: /now \(EMFILE\)/ })
  },
)

t.test('a container uses its end of a veth pair', async (t) => {
  const root = plantTree(
    t,
    interfaceFiles({ lo: loopback, eth0: { flags: up, ifindex: 2, iflink: 77, speed: 10_000 } }),
  )
  const addresses = addressesOf({ lo: '127.0.0.1/8', eth0: '172.17.0.2/16' })
  t.same(rows({ root, addresses }), ['eth0 veth 172.17.0.2 multicast and streams', 'lo loopback 127.0.0.1 host'])
})

t.test('a host may have only loopback, or no interface', async (t) => {
  const root = plantTree(t, interfaceFiles({ lo: loopback }))
  t.same(networkPaths(readInterfaces({ root, addresses: addressesOf({ lo: '127.0.0.1/8' }) })), [])
  t.same(readInterfaces({ root: plantTree(t, {}), addresses: {} }), [])
})

t.test('without sysfs, the interfaces that the OS lists are used', async (t) => {
  const addresses = addressesOf({ lo: '127.0.0.1/8', en0: '192.168.1.9/24', 'en0:1': '192.168.1.10/24' })
  const facts = readInterfaceFacts({ root: plantTree(t, {}), addresses })
  t.match(facts, [
    { name: 'lo', kind: 'loopback' },
    { name: 'en0', kind: 'unknown', isUp: true, addresses: [{ address: '192.168.1.9' }, { address: '192.168.1.10' }] },
  ])
  t.match(readInterfaces({ root: plantTree(t, {}), addresses }), [
    { name: 'en0', use: 'multicast and streams' },
    { name: 'lo' },
  ])
})

t.test('a malformed sysfs tree is read as far as it is valid', async (t) => {
  const root = plantTree(t, {
    '/sys/class/net/odd0/flags': 'what\n',
    '/sys/class/net/odd1/flags': '0x1003\n',
    '/sys/class/net/odd1/speed': 'fast\n',
    '/sys/class/net/bonding_masters': 'bond0\n',
  })
  t.same(rows({ root, addresses: addressesOf({ odd1: '10.0.0.1/8' }) }), [
    'odd1 virtual 10.0.0.1 multicast and streams',
    'odd0 unknown null none',
  ])
})

t.test('link-local addresses come after assigned ones', async (t) => {
  const root = plantTree(
    t,
    interfaceFiles({
      eth0: { flags: up, ifindex: 2, speed: 10_000, has: ['device'] },
      eth1: { flags: up, ifindex: 3, speed: 100, has: ['device'] },
    }),
  )
  const addresses = addressesOf({ eth0: '169.254.3.4/16', eth1: '10.0.0.1/8' })
  t.same(
    readInterfaces({ root, addresses }).map(({ name }) => name),
    ['eth1', 'eth0'],
  )
})

t.test('an option that names an interface that does not exist is refused', async (t) => {
  const root = plantTree(t, interfaceFiles(server))
  t.throws(() => readInterfaces({ root, addresses: serverAddresses, interfaces: ['eno1', 'eno9'] }), {
    code: 'NUMACAST_INVALID_ARGUMENT',
    message: /"eno9".*eno1/,
  })
  t.same(
    networkPaths(readInterfaces({ root, addresses: serverAddresses, interfaces: ['eno3'] })),
    [],
    'an interface that is down is accepted',
  )
})
