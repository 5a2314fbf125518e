import { execFileSync } from 'node:child_process'

/** The shared libraries that programs or libraries load, the dynamic linker included, as `ldd` finds them here. */
export function sharedLibraries(files: readonly string[]): readonly string[] {
  const found = new Set<string>()
  for (const file of files) {
    const lines = execFileSync('ldd', [file], { encoding: 'utf8' }).split('\n')
    for (const line of lines) {
      const [, library] = /(?:=> )?(\/\S+) \(0x/.exec(line) ?? []
      if (library !== undefined) found.add(library)
      else if (line.includes('not found')) throw new Error(`${file}: ${line.trim()}`)
    }
  }
  return [...found]
}
