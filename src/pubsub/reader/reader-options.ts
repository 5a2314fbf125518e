import { invalidArgument } from '../../core/errors.js'
import { DropPolicy } from '../../core/mailbox.js'
import type { QosOptions } from '../../qos/qos.js'

export interface ReaderOptions<T> {
  /** One partition, or several; writers to any of them match. @default 'default' */
  readonly partition?: string | readonly string[]
  /** Over the topic's own. */
  readonly qos?: QosOptions
  /**
   * What this reader wants to see. An instance whose value it returns false for leaves the reader's view: it shows no
   * value and no writers until a later value passes. Runs on arrival, so it costs a decode per sample. @default all
   */
  readonly filter?: (value: T) => boolean
  /**
   * Which instances are this reader's business at all; of the others nothing is decoded, held or told. Asked of each
   * change before anything else, so it should be cheap; what it left out stays out until the next change of the
   * instance. @default all
   */
  readonly keyFilter?: (key: string) => boolean
  /**
   * What may wait for a slow async iteration: instances, or with a history samples. What is over is dropped, counted
   * and told (`sample-lost`). Under keep-all no fewer than `resourceLimits.maxSamples`. @default 65536
   */
  readonly mailboxCapacity?: number
  /** Which one a full mailbox gives up: the oldest that waits, or the newest. @default 'oldest' */
  readonly mailboxDrop?: DropPolicy
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
