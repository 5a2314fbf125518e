/** Reads the kernel's lists of CPUs or nodes, like `0-2,5`. */
export function parseIdList(text: string): readonly number[] {
  if (text.trim() === '') return []
  return text
    .trim()
    .split(',')
    .flatMap((range) => {
      const [first = 0, last = first] = range.split('-').map(Number)
      return Array.from({ length: last - first + 1 }, (_, index) => first + index)
    })
}
