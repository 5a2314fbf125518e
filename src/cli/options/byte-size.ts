import { InvalidArgumentError } from 'commander'

const unitBytes: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
}
const form = /^(?<amount>\d+(?:\.\d+)?) ?(?<unit>[A-Za-z]*)$/

/** For help texts: what {@link byteSize} reads. */
export const byteSizeForms = '64MiB, 4GiB, 500MB; a number alone is bytes'

/** Reads `4GiB`, `500MB` or a number of bytes, in whole bytes. */
export function byteSize(text: string): number {
  const { amount, unit = '' } = form.exec(text)?.groups ?? {}
  const factor = unit === '' ? 1 : Object.hasOwn(unitBytes, unit) ? unitBytes[unit] : undefined
  const bytes = factor === undefined ? Number.NaN : Math.round(Number(amount) * factor)
  if (Number.isSafeInteger(bytes)) return bytes
  throw new InvalidArgumentError(`Expected a size such as ${byteSizeForms}.`)
}
