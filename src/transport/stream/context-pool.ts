import { closeSync, openSync } from 'node:fs'
import { devNull } from 'node:os'
import { isMainThread } from 'node:worker_threads'
import { Context, Dealer } from 'zeromq'
import { errorCode } from '../../core/error-code.js'
import { NumacastError } from '../../core/errors.js'
import { mayListInterfaces } from '../lane/os-interfaces.js'

/** libzmq needs six for a context with its first socket. */
const contextDescriptors = 8

/**
 * The contexts of closed lanes, for later lanes. zeromq.js 6.8 ends a context only with the process, so each new one
 * would cost five descriptors and two threads for good. Their number is the most lanes that were open at once.
 */
const idle: Context[] = []

/**
 * Returns a context for the sockets of one lane: it has its own I/O thread, and takes none of the 1,023 sockets of the
 * process's global context. {@link releaseContext} takes it back. Undefined if libzmq would end the process;
 * {@link ZmtpSocket}s are then used instead.
 *
 * - zeromq.js 6.8 aborts when a thread ends while a `receive()` waits, while its event monitor runs, or during a call. A
 *   program may end a worker thread at any time.
 * - libzmq asserts that it can list the interfaces when it binds TCP.
 *
 * @throws NumacastError NUMACAST_TRANSPORT if the latter cannot be determined now, or too few descriptors are free
 */
export function takeContext(): Context | undefined {
  if (!isMainThread || !mayListInterfaces()) return undefined
  return idle.pop() ?? startContext()
}

/** Every socket of the context must be closed. */
export function releaseContext(context: Context | undefined): void {
  if (context !== undefined) idle.push(context)
}

/**
 * The first socket starts the context's threads. libzmq ends the process if it then cannot open an epoll descriptor, so
 * the descriptors are counted in the same turn of the event loop.
 */
function startContext(): Context {
  mustHaveDescriptors(contextDescriptors)
  const context = new Context({ blocky: false, maxSockets: 8_192 })
  new Dealer({ context, linger: 0 }).close()
  return context
}

/** @throws NumacastError NUMACAST_TRANSPORT if fewer descriptors are free */
function mustHaveDescriptors(count: number): void {
  const opened: number[] = []
  try {
    while (opened.length < count) opened.push(openSync(devNull, 'r'))
  } catch (cause) {
    const reason = errorCode(cause)
    const message = `cannot start ZeroMQ (${reason}): it needs ${count} file descriptors, and ${opened.length} are free`
    throw new NumacastError('NUMACAST_TRANSPORT', message, { cause, details: { reason } })
  } finally {
    for (const descriptor of opened) closeSync(descriptor)
  }
}
