import t from 'tap'
import { isLoopback, parseListedPeer, parseListedPeers } from '../../src/discovery/listed-peer.js'

t.test('valid peer addresses are parsed', (t) => {
  for (const [text, expected] of [
    ['host', { host: 'host', port: undefined }],
    ['host:1', { host: 'host', port: 1 }],
    ['fleet.example.com.', { host: 'fleet.example.com.', port: undefined }],
    ['10.0.0.1:7400', { host: '10.0.0.1', port: 7400 }],
    ['::1', { host: '::1', port: undefined }],
    ['fe80::1', { host: 'fe80::1', port: undefined }],
    ['[::1]', { host: '::1', port: undefined }],
    ['[fe80::1]:65535', { host: 'fe80::1', port: 65_535 }],
  ] as const) {
    t.same(parseListedPeer(text), expected, text)
  }
  t.end()
})

t.test('invalid peer addresses are refused', (t) => {
  const wrong = [
    '',
    ' ',
    'a b',
    'host:',
    'host:0',
    'host:65536',
    'host:1:2',
    '[::1',
    '[host]:1',
    'a..b',
    '.a',
    'a/b',
    'tcp://a:1',
  ]
  for (const text of [...wrong, `${'a'.repeat(64)}.b`, 'a.'.repeat(130)]) {
    t.throws(() => parseListedPeer(text), { code: 'NUMACAST_INVALID_ARGUMENT' }, text)
  }
  t.throws(() => parseListedPeers(Array.from({ length: 257 }, (_, n) => `h${n}`)), {
    code: 'NUMACAST_INVALID_ARGUMENT',
  })
  t.end()
})

t.test('isLoopback is true for loopback addresses only', (t) => {
  for (const text of ['localhost', 'localhost:1', '127.0.0.1', '127.9.9.9:1', '::1', '[::1]:1']) {
    t.ok(isLoopback(parseListedPeer(text)), text)
  }
  for (const text of ['127.evil.example', 'localhost.example', '10.0.0.1', '::2', 'host']) {
    t.notOk(isLoopback(parseListedPeer(text)), text)
  }
  t.end()
})
