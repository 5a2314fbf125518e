import path from 'node:path'
import ts from 'typescript'

/** Repository-relative POSIX paths of sources, each with its text. */
export type SourceTree = ReadonlyMap<string, string>

export interface ImportRules {
  /** Folder of `src` → rank. A file imports its own folder or a lower rank. */
  readonly ranks: Readonly<Record<string, number>>
  /**
   * Folder of `src` → its sub-folder → rank. `''` stands for the files directly in the folder. A folder that is listed
   * here follows the same rule inside: a file imports its own sub-folder or a lower rank.
   */
  readonly subRanks?: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** Package → the only folder of `src` that may import it. */
  readonly owners: Readonly<Record<string, string>>
  /** The only folder that may load a compiled addon. */
  readonly addonFolder: string
  /** Files elsewhere that may use `createRequire`, to load a package when it is first needed. */
  readonly lazyLoaders: ReadonlySet<string>
  /** The only file that imports what a user names. */
  readonly computedImporter?: string
  /** Packages that the published package installs. Any other import would fail for users. */
  readonly dependencies: ReadonlySet<string>
}

interface Reference {
  readonly specifier: string
  readonly line: number
}

/** The package's entry points, one per audience: the only files directly in `src`, and the only ones that re-export. */
const barrels: ReadonlySet<string> = new Set([
  'src/index.ts',
  'src/placement.ts',
  'src/pubsub.ts',
  'src/testing.ts',
  'src/topology.ts',
  'src/views.ts',
])

/** Begins the specifier of an import that only the running program knows. */
const computed = '(computed) '

/** Returns every violation of the rules in `tree`, as `file:line: what`. Empty if there is none. */
export function breaches(tree: SourceTree, rules: ImportRules): string[] {
  return [...circleBreaches(tree), ...fileBreaches(tree, rules)]
}

function fileBreaches(tree: SourceTree, rules: ImportRules): string[] {
  return [...tree].flatMap(([file, text]) => {
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true)
    return [
      ...placeBreaches(file, rules),
      ...references(source).flatMap(({ specifier, line }) =>
        file === rules.computedImporter && specifier.startsWith(computed)
          ? []
          : referenceBreaches(file, specifier, tree, rules).map((breach) => `${file}:${line}: ${breach}`),
      ),
      ...addonBreaches(file, source, rules),
      ...(barrels.has(file) ? barrelBreaches(source) : reexportBreaches(source)),
    ]
  })
}

/** `src/wire/frame.ts` → `wire`; undefined for a file directly in `src`. */
function folderOf(file: string): string | undefined {
  const [, folder, ...rest] = file.split('/')
  return rest.length === 0 ? undefined : folder
}

/** `src/pubsub/reader/reader.ts` → `reader`; `''` for a file directly in its folder. */
function subFolderOf(file: string): string {
  const [, , subFolder, ...rest] = file.split('/')
  return subFolder === undefined || rest.length === 0 ? '' : subFolder
}

function placeBreaches(file: string, rules: ImportRules): string[] {
  const folder = folderOf(file)
  if (folder === undefined) return barrels.has(file) ? [] : [`${file}:1: only the entry points live directly in src`]
  if (!(folder in rules.ranks)) return [`${file}:1: the folder ${folder} has no rank`]
  const subRanks = rules.subRanks?.[folder]
  const subFolder = subFolderOf(file)
  if (subRanks === undefined || subFolder in subRanks) return []
  return [`${file}:1: the folder ${folder}/${subFolder} has no rank`]
}

function referenceBreaches(file: string, specifier: string, tree: SourceTree, rules: ImportRules): string[] {
  return specifier.startsWith('.')
    ? relativeBreaches(file, specifier, tree, rules)
    : packageBreaches(file, specifier, rules)
}

function relativeBreaches(file: string, specifier: string, tree: SourceTree, rules: ImportRules): string[] {
  const target = targetOf(file, specifier)
  if (!target.startsWith('src/')) return [`imports ${specifier}, which is outside src`]
  if (!tree.has(target)) return [`imports ${specifier}, which does not exist`]
  const from = folderOf(file)
  const to = folderOf(target)
  if (from === undefined) return []
  if (from === to) return subFolderBreaches(file, target, rules.subRanks?.[from])
  if (to === undefined) return [`imports the barrel ${target}`]
  const fromRank = rules.ranks[from]
  const toRank = rules.ranks[to]
  if (fromRank === undefined || toRank === undefined || toRank < fromRank) return []
  return [`${from} (rank ${fromRank}) imports ${to} (rank ${toRank}): only a lower rank is allowed`]
}

function subFolderBreaches(
  file: string,
  target: string,
  subRanks: Readonly<Record<string, number>> | undefined,
): string[] {
  const from = subFolderOf(file)
  const to = subFolderOf(target)
  const fromRank = subRanks?.[from]
  const toRank = subRanks?.[to]
  if (from === to || fromRank === undefined || toRank === undefined || toRank < fromRank) return []
  const folder = folderOf(file)
  return [`${folder}/${from} (rank ${fromRank}) imports ${folder}/${to} (rank ${toRank}): only a lower rank is allowed`]
}

function targetOf(file: string, specifier: string): string {
  return path.posix.join(path.posix.dirname(file), specifier).replace(/\.js$/, '.ts')
}

/**
 * Returns every import cycle in `tree`, type and dynamic imports included, as `file:line: what`. In `src` the ranks
 * already forbid cycles between folders. This check forbids cycles inside a folder.
 */
export function circleBreaches(tree: SourceTree): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const follow = (file: string, trail: readonly string[]): void => {
    const start = trail.indexOf(file)
    if (start >= 0) {
      found.push(`${file}:1: is in a circle of imports: ${[...trail.slice(start), file].join(' → ')}`)
    } else if (!done.has(file)) {
      const source = ts.createSourceFile(file, tree.get(file) ?? '', ts.ScriptTarget.ES2022, true)
      for (const { specifier } of references(source)) {
        const target = targetOf(file, specifier)
        if (specifier.startsWith('.') && tree.has(target)) follow(target, [...trail, file])
      }
      done.add(file)
    }
  }
  for (const file of tree.keys()) follow(file, [])
  return found
}

function packageBreaches(file: string, specifier: string, rules: ImportRules): string[] {
  const name = specifier.startsWith('@') ? specifier.split('/').slice(0, 2).join('/') : specifier.split('/')[0]
  const folder = folderOf(file)
  const owner = rules.owners[specifier] ?? (name === undefined ? undefined : rules.owners[name])
  if (owner !== undefined && owner !== folder) return [`imports ${specifier}: only src/${owner} does`]
  if (specifier.startsWith('node:') || (name !== undefined && rules.dependencies.has(name))) return []
  return [`imports ${specifier}, which package.json does not list in dependencies`]
}

/** Static, type-only, dynamic and `import('…')` type references, and `require` of a literal. */
function references(source: ts.SourceFile): Reference[] {
  const found: Reference[] = []
  const add = (node: ts.Node | undefined): void => {
    if (node === undefined) return
    const specifier = ts.isStringLiteralLike(node) ? node.text : `${computed}${node.getText(source)}`
    found.push({ specifier, line: lineOf(source, node) })
  }
  visit(source, (node) => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) add(node.moduleSpecifier)
    else if (ts.isImportTypeNode(node)) add(ts.isLiteralTypeNode(node.argument) ? node.argument.literal : node.argument)
    else if (ts.isExternalModuleReference(node)) add(node.expression)
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0])
    else if (ts.isCallExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === 'require') {
      const [argument] = node.arguments
      if (argument !== undefined && ts.isStringLiteralLike(argument) && !isAddonPath(argument.text)) add(argument)
    }
  })
  return found
}

/** Detects the loading of an addon: it takes `createRequire`, `process.dlopen` or a path to a `.node` file. */
function addonBreaches(file: string, source: ts.SourceFile, rules: ImportRules): string[] {
  if (folderOf(file) === rules.addonFolder) return []
  const found: string[] = []
  const mayRequire = rules.lazyLoaders.has(file)
  visit(source, (node) => {
    const loads =
      (ts.isStringLiteralLike(node) && isAddonPath(node.text)) ||
      (ts.isIdentifier(node) && (node.text === 'dlopen' || (node.text === 'createRequire' && !mayRequire)))
    if (loads) found.push(`${file}:${lineOf(source, node)}: only src/${rules.addonFolder} loads the addon`)
  })
  return found
}

function isAddonPath(text: string): boolean {
  return text.endsWith('.node') || /\bbuild\/(Release|Debug)\b/.test(text)
}

function barrelBreaches(source: ts.SourceFile): string[] {
  const found: string[] = []
  let previous = ''
  for (const statement of source.statements) {
    const at = `${source.fileName}:${lineOf(source, statement)}`
    if (!ts.isExportDeclaration(statement) || statement.moduleSpecifier === undefined) {
      found.push(`${at}: the barrel holds only \`export { … } from\``)
      continue
    }
    if (statement.exportClause === undefined || !ts.isNamedExports(statement.exportClause)) {
      found.push(`${at}: the barrel exports by name, never \`export *\``)
    }
    const module = statement.moduleSpecifier.getText(source).slice(1, -1).replace(/\.js$/, '')
    if (module < previous) found.push(`${at}: the barrel is alphabetical: ${module} comes before ${previous}`)
    previous = module
  }
  return found
}

function reexportBreaches(source: ts.SourceFile): string[] {
  return source.statements
    .filter((statement) => ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined)
    .map((statement) => `${source.fileName}:${lineOf(source, statement)}: re-exports; only the entry points in src do`)
}

function visit(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node)
  node.forEachChild((child) => visit(child, see))
}

function lineOf(source: ts.SourceFile, node: ts.Node): number {
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1
}
