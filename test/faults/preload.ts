import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Compiles `<name>.c` of this folder to a library that a process loads when LD_PRELOAD names it.
 * @throws when there is no C compiler
 */
export function compilePreload(folder: string, name: string): string {
  const source = fileURLToPath(new URL(`../../../test/faults/${name}.c`, import.meta.url))
  const library = path.join(folder, `${name}.so`)
  const compiler = process.env.CC ?? 'cc'
  execFileSync(compiler, ['-O1', '-shared', '-fPIC', '-o', library, source], { stdio: ['ignore', 'ignore', 'pipe'] })
  return library
}
