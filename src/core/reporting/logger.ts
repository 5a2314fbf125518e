/**
 * What numacast logs to. A logger of pino is one as it is; others need an adapter of four methods. `fields` are typed
 * facts for a program, among them `counter` (the name of the counter that went up) and `err` (an error).
 */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Logs nothing. */
export const silentLogger: Logger = Object.freeze({
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
})
