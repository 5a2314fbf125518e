// The parent of a worker: executes the given command line and forwards messages both ways. When it is
// killed, the worker's channel ends, as a supervisor's would.
import { spawn } from 'node:child_process'

const [command = '', ...args] = process.argv.slice(2)
const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
process.on('message', (order: object) => child.send(order))
child.on('message', (word) => process.send?.(word))
child.on('exit', (code) => process.exit(code ?? 1))
