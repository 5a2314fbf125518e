// Two `node:dgram` sockets over loopback multicast with nothing on top: the least that the datagram lane can cost in Node.
// Nothing is repaired. The address is the port of the near end; the far end takes the one after it.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { Link, LinkRole } from './link.js'

const multicastAddress = '239.255.0.1'
const interfaceAddress = '127.0.0.1'

export async function openLink(address: string, role: LinkRole, onMessage: (message: Buffer) => void): Promise<Link> {
  const near = Number(address)
  const [own, other] = role === 'near' ? [near, near + 1] : [near + 1, near]
  const lookup = (
    name: string,
    _options: unknown,
    done: (error: null, address: string, family: number) => void,
  ): void => done(null, name, 4)
  const inlet = createSocket({ type: 'udp4', reuseAddr: true, lookup })
  const outlet = createSocket({ type: 'udp4', lookup })
  inlet.on('message', onMessage)
  // First the listeners: with our lookup, binding takes no turn of the event loop.
  const listening = Promise.all([once(inlet, 'listening'), once(outlet, 'listening')])
  inlet.bind(own, multicastAddress)
  outlet.bind(0, interfaceAddress)
  await listening
  inlet.addMembership(multicastAddress, interfaceAddress)
  outlet.setMulticastInterface(interfaceAddress)
  outlet.setMulticastTTL(0)
  return {
    send: (message) => outlet.send(message, other, multicastAddress),
    async close() {
      await Promise.all([inlet, outlet].map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))))
    },
  }
}
