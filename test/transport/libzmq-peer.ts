/**
 * A process with libzmq's own RADIO or DISH, for the interop test. It is a separate process because an open DISH
 * spins a core, and because a draft socket that fails takes its process with it.
 *
 *     node libzmq-peer.js radio|dish <port> <group>
 */
import { once } from 'node:events'
import { Socket } from 'zeromq'
import { Dish, Radio } from 'zeromq/draft.js'

const [role, port, group = ''] = process.argv.slice(2)
const endpoint = `udp://127.0.0.1;239.255.0.1:${port}`

function tell(message: string): void {
  process.send?.(message)
}

async function radio(): Promise<void> {
  const socket = new Radio({ linger: 0 })
  socket.connect(endpoint)
  process.on('message', (hex: string) => void socket.send(Buffer.from(hex, 'hex'), { group }))
  tell('ready')
  await once(process, 'disconnect')
  socket.close()
}

async function dish(): Promise<void> {
  const socket = new Dish({ linger: 0 })
  await socket.bind(endpoint)
  // zeromq.js 6.8 calls its native join without `this`.
  Reflect.apply(Reflect.get(Socket.prototype, 'join'), socket, [group])
  process.on('disconnect', () => socket.close())
  tell('ready')
  for await (const [body, from] of socket) tell(`${from.group.toString()}:${body.toString('hex')}`)
}

await (role === 'radio' ? radio() : dish())
