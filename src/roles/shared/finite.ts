/** Returns a reading as the plane publishes it: null for "no limit" (`Infinity`) and for "could not be read" (`NaN`). */
export function finite(reading: number): number | null {
  return Number.isFinite(reading) ? reading : null
}
