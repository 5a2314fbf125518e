// Raw zeromq.js, PUSH to PULL over an abstract Unix socket: what its users get without anything on top. The address is
// a name for the sockets.
import { Pull, Push } from 'zeromq'
import type { Link, LinkRole } from './link.js'

/** One ZeroMQ message for each. */
export async function openLink(address: string, role: LinkRole, onMessage: (message: Buffer) => void): Promise<Link> {
  const inlet = await openSockets(address, role, onMessage)
  return { send: inlet.send, close: inlet.close }
}

/** One ZeroMQ message for all that were sent before each flush: `length (u16) · bytes`, again and again. */
export async function openBatchedLink(
  address: string,
  role: LinkRole,
  onMessage: (message: Buffer) => void,
): Promise<Link> {
  const sockets = await openSockets(address, role, (batch) => {
    for (let at = 0; at < batch.length; ) {
      const end = at + 2 + batch.readUInt16BE(at)
      onMessage(batch.subarray(at + 2, end))
      at = end
    }
  })
  let waiting: Buffer[] = []
  let isQueued = false
  const flush = (): void => {
    isQueued = false
    if (waiting.length === 0) return
    const batch = Buffer.concat(waiting)
    waiting = []
    sockets.send(batch)
  }
  return {
    send(message) {
      const head = Buffer.allocUnsafe(2)
      head.writeUInt16BE(message.length)
      waiting.push(head, message)
      if (isQueued) return
      isQueued = true
      queueMicrotask(flush)
    },
    flush,
    close: sockets.close,
  }
}

async function openSockets(address: string, role: LinkRole, onMessage: (message: Buffer) => void) {
  const inlet = new Pull({ linger: 0, receiveHighWaterMark: 0 })
  const outlet = new Push({ linger: 0, sendHighWaterMark: 0 })
  await inlet.bind(`ipc://@${address}-${role}`)
  outlet.connect(`ipc://@${address}-${role === 'near' ? 'far' : 'near'}`)
  void receive()
  const queue: Buffer[] = []
  let isSending = false
  return {
    send(message: Buffer): void {
      queue.push(message)
      if (!isSending) void pump()
    },
    close(): Promise<void> {
      inlet.close()
      outlet.close()
      return Promise.resolve()
    },
  }

  /** A socket refuses a second send while one is in progress. */
  async function pump(): Promise<void> {
    isSending = true
    for (let at = 0; at < queue.length; at++) await outlet.send(queue[at] as Buffer)
    queue.length = 0
    isSending = false
  }

  async function receive(): Promise<void> {
    try {
      for await (const [message] of inlet) onMessage(message as Buffer)
    } catch (error) {
      if (!inlet.closed) throw error
    }
  }
}
