/** A condition on one label, with the operators of Kubernetes' node affinity. */
export interface LabelRequirement {
  readonly key: string
  /**
   * `NotIn` and `DoesNotExist` hold for a worker without the label. `Gt` and `Lt` compare integers.
   * @default 'In' where values are given, else 'Exists'
   */
  readonly operator?: LabelOperator
  /** @default [] */
  readonly values?: readonly string[]
}

export const labelOperators = ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'] as const
export type LabelOperator = (typeof labelOperators)[number]

export interface ResolvedRequirement {
  readonly key: string
  readonly operator: LabelOperator
  readonly values: readonly string[]
}

/** Whether a worker with these labels meets the requirement. */
export function meets(labels: Readonly<Record<string, string>>, requirement: ResolvedRequirement): boolean {
  const value = Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined
  switch (requirement.operator) {
    case 'In':
      return value !== undefined && requirement.values.includes(value)
    case 'NotIn':
      return value === undefined || !requirement.values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    case 'Gt':
      return compareIntegers(value, requirement.values[0]) === 1
    case 'Lt':
      return compareIntegers(value, requirement.values[0]) === -1
  }
}

/** Why the requirement cannot be meant; undefined when it can. */
export function requirementFault({ operator, values }: ResolvedRequirement): string | undefined {
  const isSet = operator === 'In' || operator === 'NotIn'
  if (isSet) return values.length === 0 ? `${operator} needs at least one value` : undefined
  if (operator === 'Exists' || operator === 'DoesNotExist') {
    return values.length > 0 ? `${operator} takes no values` : undefined
  }
  return values.length === 1 && integer(values[0]) !== undefined ? undefined : `${operator} needs one integer`
}

function compareIntegers(left: string | undefined, right: string | undefined): number | undefined {
  const [a, b] = [integer(left), integer(right)]
  return a === undefined || b === undefined ? undefined : a < b ? -1 : a > b ? 1 : 0
}

function integer(text: string | undefined): bigint | undefined {
  return text !== undefined && /^[+-]?\d{1,19}$/.test(text) ? BigInt(text.replace(/^\+/, '')) : undefined
}
