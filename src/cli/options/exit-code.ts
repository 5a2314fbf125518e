import { type ErrorCode, NumacastError } from '../../core/errors.js'

/** What a shell sees. A script branches on these; the text on stderr is for people. */
export const ExitCode = {
  /** Success. */
  done: 0,
  /** The command was valid and was tried, but failed. */
  failed: 1,
  /** The command line is wrong; nothing was tried. */
  usage: 2,
  /** No plane, node, worker or directory of that name. */
  notFound: 3,
} as const
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

const byErrorCode: Partial<Record<ErrorCode, ExitCode>> = {
  NUMACAST_INVALID_ARGUMENT: ExitCode.usage,
  NUMACAST_NOT_FOUND: ExitCode.notFound,
}

export function exitCodeOf(error: unknown): ExitCode {
  return (error instanceof NumacastError ? byErrorCode[error.code] : undefined) ?? ExitCode.failed
}
