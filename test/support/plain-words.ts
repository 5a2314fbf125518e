/** Words that this repository does without, and what takes their place. */
export interface BannedWords {
  readonly words: readonly string[]
  readonly instead: string
}

export interface Finding {
  /** Counted from 1. */
  readonly line: number
  readonly word: string
  readonly instead: string
}

export const bannedWords: readonly BannedWords[] = [
  {
    words: ['who', 'whom', 'whoever', 'whomever', 'somebody', 'someone', 'nobody', 'no one'],
    instead: 'name the subject: the peer, the reader, the collector',
  },
  {
    words: ['anybody', 'anyone', 'everybody', 'everyone', 'one that', 'one who', 'those who', 'those that'],
    instead: 'name the subject: each participant, the other readers',
  },
  {
    words: ['say', 'says', 'said', 'saying', 'hear', 'hears', 'heard', 'hearing', 'unheard', 'hearsay', 'earshot'],
    instead: 'programs send, report, publish, receive',
  },
  {
    words: ['believe', 'believes', 'believed', 'doubt', 'doubts', 'doubted', 'doubting'],
    instead: 'programs assume, accept, suspect a fault of their own',
  },
  {
    words: ['mourn', 'mourns', 'mourned', 'bury', 'buries', 'buried', 'farewell', 'the living', 'the dead'],
    instead: 'a detector declares a peer dead; a live or dead process',
  },
  {
    words: ['custody', 'custodian', 'custodians', 'heir', 'heirs', 'heirloom', 'heirlooms'],
    instead: 'node failover, the stand-in, the successor',
  },
  {
    words: ['acquaintance', 'acquaintances', 'acquainted', 'encounter', 'encounters', 'introducer', 'courtesy'],
    instead: 'discovery, hello, peer intake',
  },
  { words: ['twice is fine', 'twice is harmless'], instead: 'Idempotent.' },
  { words: ['so long', 'so long as'], instead: 'for 30 s; while; if' },
  { words: ['of late', 'lately'], instead: 'recently' },
  { words: ['so many', 'so much'], instead: 'at most n' },
  { words: ['for ever'], instead: 'forever' },
  { words: ['anew', 'afresh'], instead: 'again' },
]

const patterns = bannedWords.flatMap(({ words, instead }) =>
  words.map((word) => ({
    word,
    instead,
    // A phrase may be broken over two lines of a comment.
    pattern: new RegExp(`(?<![\\p{L}\\p{N}])${word.replaceAll(' ', '[\\s*/#>|]+')}(?![\\p{L}\\p{N}])`, 'giu'),
  })),
)

/** Finds banned words in prose and inside identifiers: `lastHeardMs` holds `heard`. */
export function findBannedWords(text: string): Finding[] {
  const split = text.replace(/(?<=[\p{Ll}\d])(?=\p{Lu})|_/gu, ' ')
  const findings = patterns.flatMap(({ word, instead, pattern }) =>
    [...split.matchAll(pattern)].map(({ index }) => ({ line: lineAt(split, index), word, instead })),
  )
  return findings.sort((one, other) => one.line - other.line)
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}
