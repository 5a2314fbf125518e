import { readFileSync } from 'node:fs'
import path from 'node:path'
import ts from 'typescript'

const root = path.resolve(import.meta.dirname, '..', '..', '..')

/** A JavaScript or TypeScript code block of a page. */
export interface DocumentedProgram {
  /** The name in its first line, such as `// hello.mjs`. Undefined if the first line is different. */
  readonly name: string | undefined
  readonly language: 'js' | 'ts'
  readonly code: string
}

/** Returns the js and ts blocks of a Markdown page, in order. */
export function programsOf(page: string): DocumentedProgram[] {
  const text = readFileSync(path.join(root, page), 'utf8')
  return [...text.matchAll(/^```(js|ts)\n([\s\S]*?)^```$/gm)].map(([, language, code = '']) => ({
    name: /^\/\/ ([\w-]+\.(?:mjs|ts))$/m.exec(code.split('\n', 1)[0] ?? '')?.[1],
    language: language === 'ts' ? 'ts' : 'js',
    code,
  }))
}

/**
 * Returns the program of that name, verbatim.
 * @throws if the page has no such program
 */
export function programOf(page: string, name: string): string {
  const program = programsOf(page).find((candidate) => candidate.name === name)
  if (program === undefined) throw new Error(`${page} has no program that begins with // ${name}`)
  return program.code
}

/** Compiles a TypeScript program for this Node version, which may lack `using`. */
export function compile(code: string): string {
  return ts.transpileModule(code, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  }).outputText
}

/** Returns the errors of the strict type checker in a TypeScript file. */
export function typeErrors(file: string): string[] {
  const program = ts.createProgram([file], {
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: ['node'],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
  })
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
}
