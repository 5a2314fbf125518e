import { InvalidArgumentError } from 'commander'
import type { LabelRequirement } from '../../placement/request/label-requirement.js'

const setForm = /^(?<key>[^\s!=<>,()]+)\s+(?<operator>in|notin)\s*\((?<values>[^()]*)\)$/
const comparison = /^(?<key>[^\s!=<>,()]+)\s*(?<operator>==|!=|=|>|<)\s*(?<value>[^\s=<>()]*)$/
const existence = /^(?<not>!?)(?<key>[^\s!=<>,()]+)$/

const operators = { '=': 'In', '==': 'In', '!=': 'NotIn', '>': 'Gt', '<': 'Lt' } as const

/** For help texts: what {@link labelExpression} reads. */
export const labelExpressionForms = "key, !key, key=a, key!=a, 'key in (a,b)', 'key notin (a)', key>5"

/**
 * Reads conditions on labels as `kubectl --selector` writes them, joined by commas, and `Gt` and `Lt` as `>` and `<`.
 * Source: Kubernetes, "Labels and Selectors".
 */
export function labelExpression(text: string): readonly LabelRequirement[] {
  return conditionsOf(text).map((condition) => {
    const requirement = parseCondition(condition.trim())
    if (requirement !== undefined) return requirement
    throw new InvalidArgumentError(`Expected ${labelExpressionForms}, not '${condition.trim()}'.`)
  })
}

/** Splits at the commas that are not in parentheses. */
function conditionsOf(text: string): string[] {
  return text.split(/,(?![^(]*\))/)
}

function parseCondition(text: string): LabelRequirement | undefined {
  const set = setForm.exec(text)?.groups
  if (set?.key !== undefined && set.values !== undefined) {
    const values = set.values.split(',').map((value) => value.trim())
    return { key: set.key, operator: set.operator === 'in' ? 'In' : 'NotIn', values }
  }
  const compared = comparison.exec(text)?.groups
  if (compared?.key !== undefined && compared.value !== undefined) {
    const operator = operators[compared.operator as keyof typeof operators]
    return { key: compared.key, operator, values: [compared.value] }
  }
  const present = existence.exec(text)?.groups
  if (present?.key === undefined) return undefined
  return { key: present.key, operator: present.not === '!' ? 'DoesNotExist' : 'Exists' }
}
