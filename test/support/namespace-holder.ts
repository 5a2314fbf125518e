/** A program of namespaces.test.ts: holds namespaces, prints the pids that hold them, and waits to be killed. */
import { Namespace } from './namespace.js'
import { NamespacedHost } from './namespaced-host.js'

const bridges = await Namespace.open({ net: true })
const host = await NamespacedHost.open('held')
console.log(JSON.stringify([bridges.pid, host.namespace.pid]))
setInterval(() => undefined, 1_000)
