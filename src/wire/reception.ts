/** The field of hellos, pulls and their replies that reports whether the sender receives the other side's frames. */
export interface Reception {
  readonly hears?: boolean | undefined
}

/** Returns the field for a request or a reply; none if it is not known whether the sender receives the frames. */
export function receptionField(isReceiving: boolean): { hears: boolean }
export function receptionField(isReceiving: boolean | undefined): Reception
export function receptionField(isReceiving: boolean | undefined): Reception {
  return isReceiving === undefined ? {} : { hears: isReceiving }
}

/** Returns whether the sender of a message receives this side's frames; undefined if it does not report that. */
export function reportedReception({ hears }: Reception): boolean | undefined {
  return hears
}
