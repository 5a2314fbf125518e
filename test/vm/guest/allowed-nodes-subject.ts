// Prints which nodes this process may allocate on, as the addon reads it.
import { readTopology } from '../../../src/topology/numa/topology.js'

process.stdout.write(JSON.stringify(readTopology().nodes.map(({ id, allowed }) => ({ id, allowed }))))
