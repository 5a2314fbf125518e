// The public API as text: the exports of each entry point of the package, from the declarations that it ships.
import path from 'node:path'
import ts from 'typescript'

/** Entry point of the package → its file below `dist/src`, without the extension. */
export const entryPoints: Readonly<Record<string, string>> = {
  numacast: 'index',
  'numacast/placement': 'placement',
  'numacast/pubsub': 'pubsub',
  'numacast/testing': 'testing',
  'numacast/topology': 'topology',
  'numacast/views': 'views',
}

export interface ApiReports {
  /** Entry point → its report, Markdown. */
  readonly reports: ReadonlyMap<string, string>
  /** Types that an exported declaration names, but that no entry point exports. */
  readonly unreachable: readonly string[]
  /** What the compiler reports in the shipped declarations to a program that does not set `skipLibCheck`. */
  readonly errors: readonly string[]
}

/** Reads the shipped declarations. @param dist the folder that holds `src/index.d.ts` */
export function apiReports(dist: string): ApiReports {
  const files = Object.values(entryPoints).map((name) => path.join(dist, 'src', `${name}.d.ts`))
  const program = ts.createProgram(files, {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
  })
  const checker = program.getTypeChecker()
  const reports = new Map<string, string>()
  const exported = new Map<ts.Symbol, string>()
  for (const [entry, name] of Object.entries(entryPoints)) {
    const symbols = exportsOf(program, checker, path.join(dist, 'src', `${name}.d.ts`))
    for (const { symbol } of symbols) exported.set(symbol, entry)
    reports.set(entry, report(checker, entry, symbols))
  }
  const source = path.join(dist, 'src')
  return { reports, unreachable: unreachable(checker, exported, source), errors: errorsBelow(program, source) }
}

function errorsBelow(program: ts.Program, folder: string): string[] {
  const files = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(`${folder}/`))
  return files.flatMap((file) =>
    program.getSemanticDiagnostics(file).map(({ messageText }) => {
      return `${path.relative(folder, file.fileName)}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
    }),
  )
}

interface Exported {
  readonly name: string
  readonly symbol: ts.Symbol
}

function exportsOf(program: ts.Program, checker: ts.TypeChecker, file: string): Exported[] {
  const source = program.getSourceFile(file)
  const module = source && checker.getSymbolAtLocation(source)
  if (module === undefined) throw new Error(`${file} is no module: build first`)
  return checker
    .getExportsOfModule(module)
    .map((symbol) => ({ name: symbol.name, symbol: resolved(checker, symbol) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

function resolved(checker: ts.TypeChecker, symbol: ts.Symbol): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
}

function report(checker: ts.TypeChecker, entry: string, symbols: readonly Exported[]): string {
  const printer = ts.createPrinter({ removeComments: true })
  const texts = symbols.flatMap(({ symbol }) =>
    (symbol.declarations ?? []).map((declaration) => {
      const statement = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration
      const text =
        ts.isTypeAliasDeclaration(statement) && isInferred(statement)
          ? `export type ${symbol.name} = ${expanded(checker, statement)};`
          : printer.printNode(ts.EmitHint.Unspecified, statement, statement.getSourceFile())
      // Compilers quote differently.
      const quoted = text.replace(/"([^"'\n]*)"/g, "'$1'")
      return quoted.replace(/^ {4,}/gm, (indent) => ' '.repeat(indent.length / 2))
    }),
  )
  return [
    `# \`${entry}\``,
    '',
    'Written by `npm run api`. Do not edit. A test fails if the shipped declarations differ.',
    '',
    '```ts',
    inOneOrder(texts.join('\n\n')),
    '```',
    '',
  ].join('\n')
}

/**
 * Returns the declarations with the members of each union and of each object type in alphabetical order. The compiler
 * orders those of an inferred type by when it first met them, which changes with any file of the program.
 */
function inOneOrder(declarations: string): string {
  const source = ts.createSourceFile('report.d.ts', declarations, ts.ScriptTarget.ES2022, true)
  const withSortedMembers = (literal: ts.TypeLiteralNode): string => {
    const [first, second] = literal.members
    const last = literal.members.at(-1)
    if (first === undefined || last === undefined) return '{}'
    const head = declarations.slice(literal.getStart(source), first.getStart(source))
    const between = second === undefined ? '' : declarations.slice(first.end, second.getStart(source))
    const members = literal.members.map(written).sort()
    const indent = between.slice(between.lastIndexOf('\n') + 1).length
    const tail = between.includes('\n')
      ? `\n${' '.repeat(Math.max(0, indent - 2))}}`
      : declarations.slice(last.end, literal.end)
    return head + members.join(between) + tail
  }
  const written = (node: ts.Node): string => {
    if (ts.isUnionTypeNode(node)) return node.types.map(written).sort().join(' | ')
    if (ts.isTypeLiteralNode(node)) return withSortedMembers(node)
    // Compilers differ in the quotes of an inferred literal.
    if (ts.isStringLiteral(node) && !node.text.includes("'")) return `'${node.text}'`
    let text = ''
    let end = node.getStart(source)
    node.forEachChild((child) => {
      text += declarations.slice(end, child.getStart(source)) + written(child)
      end = child.end
    })
    return text + declarations.slice(end, node.end)
  }
  return written(source)
}

/** `z.infer<typeof …>` names no field: such a type is written out. */
function isInferred({ type }: ts.TypeAliasDeclaration): boolean {
  return /\bz\.infer</.test(type.getText())
}

function expanded(checker: ts.TypeChecker, alias: ts.TypeAliasDeclaration): string {
  const flags = ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.InTypeAlias
  const fields = (type: ts.Type, indent: string): string => {
    const text = checker.typeToString(type, alias, flags)
    return text.startsWith('{') ? text.replace(/ (?=[\w]+\??: )/g, `\n${indent}  `) : text
  }
  return fields(checker.getTypeAtLocation(alias), '')
}

function unreachable(checker: ts.TypeChecker, exported: ReadonlyMap<ts.Symbol, string>, src: string): string[] {
  const found = new Set<string>()
  for (const symbol of exported.keys()) {
    for (const declaration of symbol.declarations ?? []) {
      const see = (node: ts.Node): void => {
        if (isPrivate(node) || ts.isTypeQueryNode(node)) return
        if (ts.isIdentifier(node)) check(node)
        node.forEachChild(see)
      }
      const check = (node: ts.Identifier): void => {
        const at = checker.getSymbolAtLocation(node)
        if (at === undefined) return
        const target = resolved(checker, at)
        const [first] = target.declarations ?? []
        if (first === undefined || !first.getSourceFile().fileName.startsWith(src)) return
        if (!isTopLevel(first) || exported.has(target)) return
        found.add(`${symbol.name} → ${target.name} (${path.relative(src, first.getSourceFile().fileName)})`)
      }
      see(declaration)
    }
  }
  return [...found].sort()
}

function isPrivate(node: ts.Node): boolean {
  return (
    ts.canHaveModifiers(node) &&
    ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword) === true
  )
}

/** A type, class, function or constant of a module, not a member or a parameter. */
function isTopLevel(declaration: ts.Declaration): boolean {
  return (
    ts.isInterfaceDeclaration(declaration) ||
    ts.isTypeAliasDeclaration(declaration) ||
    ts.isClassDeclaration(declaration) ||
    ts.isFunctionDeclaration(declaration) ||
    (ts.isVariableDeclaration(declaration) && ts.isSourceFile(declaration.parent.parent.parent))
  )
}
