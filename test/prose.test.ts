// Plain English: `support/plain-words.ts` lists the words that these files do without. cspell checks the spelling.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { bannedWords, findBannedWords } from './support/plain-words.js'

const root = path.resolve(import.meta.dirname, '..', '..')

/** Files and folders that are checked. */
const roots = [
  'README.md',
  'SECURITY.md',
  'CHANGELOG.md',
  'docs',
  'examples',
  'bench',
  'src',
  'native',
  // 'test',
]

/** Folders without prose: test data, and reports that are generated from the code. */
const notProse: ReadonlySet<string> = new Set(['fixtures', 'api'])

/** A word that a file needs: a name on the wire, a quotation, a term of the field. An entry without a use fails. */
interface Exception {
  readonly file: string
  readonly word: string
  readonly because: string
}

const exceptions: readonly Exception[] = [
  { file: 'CHANGELOG.md', word: 'hears', because: 'an earlier name, `hearsUs`' },
  { file: 'CHANGELOG.md', word: 'unheard', because: 'an earlier name, `reader.unheard`' },
  { file: 'docs/wire.md', word: 'hears', because: 'a key of requests and replies, fixed by the wire format' },
  { file: 'src/wire/hello.ts', word: 'hears', because: 'a key of requests and replies, fixed by the wire format' },
  { file: 'src/wire/pull.ts', word: 'hears', because: 'a key of requests and replies, fixed by the wire format' },
  { file: 'src/wire/reception.ts', word: 'hears', because: 'a key of requests and replies, fixed by the wire format' },
]

const isChecked = /\.(md|ts|mjs|cc|h)$/

t.test('prose holds no banned word, or a listed exception explains it', async (t) => {
  const used = new Set<Exception>()
  const found: string[] = []
  const files = roots.flatMap((entry) => [...filesBelow(entry)])
  t.ok(files.length > 20, `${files.length} files were read`)
  for (const file of files) {
    for (const { line, word, instead } of findBannedWords(readFileSync(path.join(root, file), 'utf8'))) {
      const exception = exceptions.find((entry) => entry.file === file && entry.word === word)
      if (exception !== undefined) used.add(exception)
      else found.push(`${file}:${line}: "${word}"; write instead: ${instead}`)
    }
  }
  t.same(found, [])
  t.same(
    exceptions.filter((entry) => !used.has(entry)),
    [],
    'every exception is used',
  )
})

t.test('the checker finds words, phrases across lines, and parts of identifiers', async (t) => {
  const words = (text: string): string[] => findBannedWords(text).map(({ line, word }) => `${line} ${word}`)
  t.same(words('The peer knows nobody.\nWho is it?'), ['1 nobody', '2 who'])
  t.same(words('/**\n * It waits so\n * long.\n */'), ['2 so long'])
  t.same(words('peer.lastHeardMs = 1; const HEARD_AT = 2'), ['1 heard', '1 heard'])
  t.same(words('The whole shoulder, heir-free: an heirless essay, hearsay.'), ['1 hearsay', '1 heir'])
  t.same(words('Idempotent. Holds the value for 30 s, recently read at most 3 times.'), [])
})

t.test('a banned word is listed once', async (t) => {
  const all = bannedWords.flatMap(({ words }) => words)
  t.equal(new Set(all).size, all.length)
})

function* filesBelow(entry: string): Generator<string> {
  if (!statSync(path.join(root, entry)).isDirectory()) {
    if (isChecked.test(entry)) yield entry
    return
  }
  for (const name of readdirSync(path.join(root, entry)).sort()) {
    if (!notProse.has(name)) yield* filesBelow(path.posix.join(entry, name))
  }
}
