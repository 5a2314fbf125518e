import { invalidArgument } from '../../core/errors.js'
import { DropPolicy } from '../../core/mailbox.js'
import type { QosOptions } from '../../qos/qos.js'

export interface ReaderOptions<T> {
  /** One partition, or several; writers to any of them match. @default 'default' */
  readonly partition?: string | readonly string[]
  /** Overrides the topic's own. */
  readonly qos?: QosOptions
  /**
   * Accepts the values that this reader shows. An instance whose value is refused leaves the reader's view: it shows no
   * value and no writers until a later value passes. Runs on arrival, so it costs a decode per sample. @default all
   */
  readonly filter?: (value: T) => boolean
  /**
   * Accepts the instances that concern this reader; of the others nothing is decoded, held or reported. Called for each
   * change before anything else, so it should be cheap. A refused instance stays out until its next change. @default all
   */
  readonly keyFilter?: (key: string) => boolean
  /**
   * Instances (with a history: samples) that may wait for a slow async iteration. Any more are dropped, counted and
   * reported (`sample-lost`). Under keep-all at least `resourceLimits.maxSamples`. @default 65536
   */
  readonly mailboxCapacity?: number
  /** Which sample a full mailbox drops: the oldest that waits, or the newest. @default 'oldest' */
  readonly mailboxDrop?: DropPolicy
  /** Closes the reader when it aborts. @default none */
  readonly signal?: AbortSignal
}

export interface ResolvedReaderOptions<T> {
  readonly filter: ((value: T) => boolean) | undefined
  readonly keyFilter: ((key: string) => boolean) | undefined
  readonly mailboxCapacity: number
  readonly mailboxDrop: DropPolicy
}

export const defaultReaderOptions = Object.freeze({ mailboxCapacity: 65_536, mailboxDrop: DropPolicy.oldest })

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT */
export function resolveReaderOptions<T>(options: ReaderOptions<T>): ResolvedReaderOptions<T> {
  const {
    filter,
    keyFilter,
    mailboxCapacity = defaultReaderOptions.mailboxCapacity,
    mailboxDrop = defaultReaderOptions.mailboxDrop,
  } = options
  if (!Number.isInteger(mailboxCapacity) || mailboxCapacity < 1) {
    throw invalidArgument(`mailboxCapacity must be a positive integer, not ${mailboxCapacity}`)
  }
  if (!Object.values(DropPolicy).includes(mailboxDrop)) {
    throw invalidArgument(`mailboxDrop must be one of ${Object.values(DropPolicy).join(', ')}, not ${mailboxDrop}`)
  }
  return { filter, keyFilter, mailboxCapacity, mailboxDrop }
}
