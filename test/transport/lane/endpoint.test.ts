import fc from 'fast-check'
import t from 'tap'
import { parseEndpoint } from '../../../src/transport/lane/endpoint.js'

t.test('an endpoint that numacast binds can be dialled', async (t) => {
  t.same(parseEndpoint('tcp://127.0.0.1:4711'), { address: '127.0.0.1', port: 4711 })
  t.same(parseEndpoint('tcp://[fe80::1]:65535'), { address: 'fe80::1', port: 65_535 })
})

t.test('an endpoint with a file, a host name or another transport is refused', async (t) => {
  for (const endpoint of [
    '',
    'ipc:///etc/passwd',
    'ipc://@name',
    'inproc://a',
    'udp://239.255.0.1:1',
    'tcp://example.org:80',
    'tcp://127.0.0.1',
    'tcp://127.0.0.1:0',
    'tcp://127.0.0.1:65536',
    'tcp://127.0.0.1:*',
    'tcp://1.2.3:80',
    'tcp://[1.2.3.4]:80',
    'tcp://eth0;1.2.3.4:80',
    ' tcp://127.0.0.1:80',
    'tcp://127.0.0.1:80\n',
  ]) {
    t.throws(() => parseEndpoint(endpoint), { code: 'NUMACAST_INVALID_ARGUMENT' }, JSON.stringify(endpoint))
  }
})

t.test('any text parses as an endpoint or throws an error with a code', async () => {
  const text = fc.oneof(
    fc.string(),
    fc.string().map((rest) => `tcp://${rest}`),
  )
  fc.assert(
    fc.property(text, (endpoint) => {
      try {
        return parseEndpoint(endpoint).port <= 65_535
      } catch (error) {
        return (error as { code?: unknown }).code === 'NUMACAST_INVALID_ARGUMENT'
      }
    }),
  )
})
