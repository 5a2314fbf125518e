/** Returns the keys and indexes that lead to a value as text: `.jobs[3].started`. */
export function pathText(path: readonly (string | number)[]): string {
  const parts = path.map((part) => {
    if (typeof part === 'number') return `[${part}]`
    return /^[\w$]{1,64}$/.test(part) ? `.${part}` : `[${JSON.stringify(part.slice(0, 64))}]`
  })
  return parts.join('')
}
