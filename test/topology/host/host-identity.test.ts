import t, { type Test } from 'tap'
import { hostIdentity, networkNamespace, pidNamespace } from '../../../src/topology/host/host-identity.js'
import { plantTree, type TreeFiles } from '../../support/machine-tree.js'

const bootIdFile = '/proc/sys/kernel/random/boot_id'
const bootId = '0e6e0ac2-8d1e-4b64-a4b8-4b54a6d33bd2'
const machineId = '8a5edab282632443219e051e4ade2d1d'
const initialPidNamespace = 0xeffffffc

const identify = (t: Test, files: TreeFiles, hostname = 'worker-01', namespace: number | null = initialPidNamespace) =>
  hostIdentity({ root: plantTree(t, files), hostname, pidNamespace: namespace, platform: 'linux' })

const device = (name: string, address: string): TreeFiles => ({
  [`/sys/class/net/${name}/address`]: `${address}\n`,
  [`/sys/class/net/${name}/device/uevent`]: '',
})

t.test('the identity of this host is stable', async (t) => {
  const identity = hostIdentity()
  t.ok(identity.hostname)
  if (process.platform !== 'linux') return
  t.match(identity, { source: 'boot-id', id: identity.bootId })
  t.match(identity.bootId, /^[0-9a-f-]{36}$/)
  t.ok((pidNamespace() ?? 0) > 0)
  t.ok((networkNamespace() ?? 0) > 0)
})

t.test('the boot id is the identity, regardless of the host name', async (t) => {
  const files = { [bootIdFile]: `${bootId}\n` }
  for (const hostname of ['a', 'b']) {
    t.same(identify(t, files, hostname), { id: bootId, source: 'boot-id', bootId, hostname })
  }
})

t.test('a boot id that a container runtime mounted over the kernel\u2019s is reported as such', async (t) => {
  const mounts = `20 1 8:1 / / rw - ext4 /dev/vda rw\n30 20 0:40 /boot_id ${bootIdFile} ro - tmpfs tmpfs rw\n`
  const identity = identify(t, { [bootIdFile]: bootId, '/proc/self/mountinfo': mounts })
  t.match(identity, { id: bootId, source: 'container-boot-id' })
})

t.test('without a boot id, processes of one host share a fallback, and other hosts have another', async (t) => {
  const host = { '/etc/machine-id': `${machineId}\n`, ...device('eth0', '52:54:00:12:34:56') }
  const one = identify(t, host)
  t.match(one, {
    source: 'machine-id',
    bootId: null,
    id: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
  })
  t.equal(identify(t, host).id, one.id, 'another process')
  const bridge = { '/sys/class/net/docker0/address': '02:42:ac:11:00:01' }
  t.equal(identify(t, { ...host, ...bridge }).id, one.id, 'a virtual interface was added')
  const others = [
    identify(t, { ...host, '/etc/machine-id': machineId.replace('8', '9') }),
    identify(t, host, 'worker-02'),
    identify(t, { ...host, ...device('eth0', '52:54:00:12:34:57') }),
  ]
  for (const other of others)
    t.not(other.id.slice(0, 8), one.id.slice(0, 8), 'partition names use the first eight characters')
})

t.test('the identity is random if no known value differs between hosts', async (t) => {
  const host = { '/etc/machine-id': machineId, ...device('eth0', '02:42:ac:11:00:02') }
  const cases: readonly [string, TreeFiles, number | null][] = [
    ['in a container, whose machine id comes with its image', host, 4_026_532_700],
    ['in an unknown PID namespace', host, null],
    ['without a machine id', device('eth0', '52:54:00:12:34:56'), initialPidNamespace],
    ['before the first boot', { ...host, '/etc/machine-id': 'uninitialized\n' }, initialPidNamespace],
    ['with a machine id of zeros', { ...host, '/etc/machine-id': '0'.repeat(32) }, initialPidNamespace],
  ]
  for (const [name, files, namespace] of cases) {
    const identity = identify(t, files, 'worker-01', namespace)
    t.match(identity, { source: 'random', bootId: null, id: /^[0-9a-f-]{36}$/ }, name)
    t.equal(identify(t, files, 'worker-01', namespace).id, identity.id, `${name}: constant within a process`)
  }
})

t.test('off Linux the identity is a hash, or random, and never the bare host name', async (t) => {
  const identity = hostIdentity({ root: plantTree(t, {}), hostname: 'laptop', platform: 'darwin' })
  t.match(identity.source, /^(machine-id|random)$/)
  t.match(identity.id, /^[0-9a-f-]{36}$/)
})
