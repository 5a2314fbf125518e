import { execFile } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { addonStatus } from '../../../src/topology/addon/addon.js'
import { readUdpSockets } from '../../../src/topology/socket/udp-sockets.js'
import { requirement } from '../../support/requirement.js'

async function bound(t: Test, type: 'udp4' | 'udp6', address: string): Promise<Socket> {
  const socket = createSocket(type)
  t.teardown(() => socket.close())
  socket.bind(0, address)
  await once(socket, 'listening')
  return socket
}

const addon = addonStatus()
if (!addon.available) {
  requirement(t, 'the addon', false, addon.reason)
  t.equal(readUdpSockets(), null)
} else {
  t.test('only the IPv4 UDP sockets of this process are listed', async (t) => {
    const server = createServer().listen(0, '127.0.0.1')
    t.teardown(() => server.close())
    await once(server, 'listening')
    const before = readUdpSockets()?.length ?? Number.NaN
    const here = await bound(t, 'udp4', '127.0.0.1')
    const anywhere = await bound(t, 'udp4', '0.0.0.0')
    await bound(t, 'udp6', '::1').catch(() => t.comment('no IPv6 here'))
    const rows = readUdpSockets() ?? []
    t.equal(rows.length, before + 2)
    for (const { address, port } of [here.address(), anywhere.address()]) {
      const found = rows.filter((row) => row.address === address && row.port === port)
      t.match(found, [{ inode: Number, drops: 0 }])
      t.equal(found.length, 1)
    }
    t.equal(new Set(rows.map(({ inode }) => inode)).size, rows.length)
  })

  t.test('without a free descriptor the result is null, not an empty list', async (t) => {
    // In a separate process with a low descriptor limit.
    const script = `
      const { openSync, closeSync } = require('node:fs')
      const socket = require('node:dgram').createSocket('udp4').bind(0, '127.0.0.1', async () => {
        const { readUdpSockets } = await import(${JSON.stringify(new URL('../../../src/topology/socket/udp-sockets.js', import.meta.url).href)})
        const held = []
        try { for (;;) held.push(openSync('/dev/null')) } catch {}
        const blind = readUdpSockets()
        held.forEach((fd) => closeSync(fd))
        console.log(JSON.stringify({ held: held.length > 0, blind, seen: readUdpSockets().length }))
        socket.close()
      })`
    const limited = ['-c', 'ulimit -n 128 && exec "$0" -e "$1"', process.execPath, script]
    const { stdout } = await promisify(execFile)('sh', limited)
    t.same(JSON.parse(stdout), { held: true, blind: null, seen: 1 })
  })
}
