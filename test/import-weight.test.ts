import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import ts from 'typescript'

const root = path.resolve(import.meta.dirname, '..', '..')

/** Returns the packages that importing `entry` loads: all that its static imports reach, except types. */
function packagesOf(entry: string): string[] {
  const packages = new Set<string>()
  const seen = new Set<string>()
  const load = (file: string): void => {
    if (seen.has(file)) return
    seen.add(file)
    const source = ts.createSourceFile(file, readFileSync(path.join(root, file), 'utf8'), ts.ScriptTarget.ES2022, true)
    for (const statement of source.statements) {
      const isImport = ts.isImportDeclaration(statement)
      if (!isImport && !ts.isExportDeclaration(statement)) continue
      const isOfTypes = isImport ? statement.importClause?.isTypeOnly === true : statement.isTypeOnly
      const { moduleSpecifier } = statement
      if (isOfTypes || moduleSpecifier === undefined || !ts.isStringLiteralLike(moduleSpecifier)) continue
      const specifier = moduleSpecifier.text
      if (specifier.startsWith('node:')) continue
      if (!specifier.startsWith('.')) packages.add(specifier.replace(/^((?:@[^/]+\/)?[^/]+).*/, '$1'))
      else load(path.posix.join(path.posix.dirname(file), specifier).replace(/\.js$/, '.ts'))
    }
  }
  t.ok(existsSync(path.join(root, entry)), entry)
  load(entry)
  return [...packages].sort()
}

t.test('importing an entry point loads no package of the command line', async (t) => {
  const needed = new Set(['msgpackr', 'zeromq', 'zod'])
  for (const entry of ['src/index.ts', 'src/pubsub.ts', 'src/testing.ts']) {
    const packages = packagesOf(entry)
    t.ok(packages.includes('zod'), 'the walk reaches a required package')
    t.strictSame(
      packages.filter((name) => !needed.has(name)),
      [],
      entry,
    )
  }
  t.strictSame(packagesOf('src/topology.ts'), [], 'topology is read without any package')
})
