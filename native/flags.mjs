// Compiler flags that every build of the addon shares. Printed for binding.gyp, imported by sanitize.mjs.
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const nodeAddonApi = path.dirname(createRequire(import.meta.url).resolve('node-addon-api'))

export const flags = [
  '-DNAPI_VERSION=8',
  '-DNODE_ADDON_API_DISABLE_CPP_EXCEPTIONS',
  '-DNODE_ADDON_API_DISABLE_DEPRECATED',
  // In a worker that is being terminated nothing can be thrown; without this node-addon-api ends the whole process.
  '-DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
  `-I${path.join(path.dirname(fileURLToPath(import.meta.url)), 'src')}`,
  '-isystem',
  nodeAddonApi,
  '-Wall',
  '-Wextra',
  '-Wshadow',
  '-Wconversion',
  '-Wno-unused-parameter',
  '-Wno-restrict', // reports nonsense for std::string in GCC 12 (GCC bug 105651)
  // Errors in CI only: a user's newer compiler, with new warnings, must still make an addon.
  process.env.NUMACAST_CI === '1' ? '-Werror' : '-Wno-error',
]

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(`${flags.join('\n')}\n`)
