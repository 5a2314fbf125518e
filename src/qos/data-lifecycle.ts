/** What happens to a writer's instances when it gives them up. */
export interface WriterDataLifecycle {
  /**
   * Whether `unregister` also disposes. @default false (DDS: true; here what a process published stays readable when
   * it leaves, because it may explain why)
   */
  readonly autodispose: boolean
}

export const defaultWriterDataLifecycle: WriterDataLifecycle = Object.freeze({ autodispose: false })

/** When a reader forgets instances that have ended. */
export interface ReaderDataLifecycle {
  /** After the last of its writers has gone; null: never. @default 60000 (DDS: never) */
  readonly purgeNoWritersMs: number | null
  /** After it was disposed; null: never. @default 10000 (DDS: never) */
  readonly purgeDisposedMs: number | null
}

export const defaultReaderDataLifecycle: ReaderDataLifecycle = Object.freeze({
  purgeNoWritersMs: 60_000,
  purgeDisposedMs: 10_000,
})
