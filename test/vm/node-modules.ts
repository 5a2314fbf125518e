import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** Returns the directories of production packages: transitive dependencies, and optional ones that are installed. */
export function productionPackages(root: string): readonly string[] {
  const found = new Set<string>()
  const follow = (directory: string): void => {
    const manifest: Manifest = JSON.parse(readFileSync(path.join(directory, 'package.json'), 'utf8'))
    const names = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })
    for (const name of names) {
      const dependency = findPackage(directory, name, root)
      if (dependency === undefined || found.has(dependency)) continue
      found.add(dependency)
      follow(dependency)
    }
  }
  follow(root)
  return [...found]
}

/** Resolves a package like Node: in the nearest `node_modules` on the path to the root. */
function findPackage(from: string, name: string, root: string): string | undefined {
  for (let directory = from; directory.startsWith(root); directory = path.dirname(directory)) {
    const candidate = path.join(directory, 'node_modules', name)
    if (existsSync(candidate)) return candidate
  }
  return undefined
}
