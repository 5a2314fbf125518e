import { InvalidArgumentError } from 'commander'
import type { Toleration } from '../../placement/request/tolerations.js'
import { parseTaintEffect, TaintEffect, type TaintText } from '../../plane/vocabulary/taint.js'

const form = /^(?<key>[^\s=:]+)(?:=(?<value>[^\s:]*))?(?::(?<effect>[A-Za-z-]+))?$/

const effectNames = Object.values(TaintEffect).join(', ')

/** Reads a taint as `kubectl taint` writes it: `key:effect` or `key=value:effect`. */
export function taintOption(text: string): TaintText {
  const { key, value, effect } = parse(text)
  if (key === '*' || effect === undefined) {
    throw new InvalidArgumentError(`Expected key:effect or key=value:effect, where effect is one of ${effectNames}.`)
  }
  return { key, effect, ...(value !== undefined && { value }) }
}

/** Reads a toleration: `key` for every value, `key=value` for one, `*` for every taint, each with or without `:effect`. */
export function tolerationOption(text: string): Toleration {
  const { key, value, effect } = parse(text)
  const ofEffect = effect === undefined ? {} : { effect }
  if (key === '*') return { operator: 'Exists', ...ofEffect }
  return value === undefined ? { key, operator: 'Exists', ...ofEffect } : { key, value, ...ofEffect }
}

function parse(text: string): { key: string; value?: string; effect?: TaintEffect } {
  const { key, value, effect } = form.exec(text)?.groups ?? {}
  if (key === undefined) throw new InvalidArgumentError('Expected key, key=value, or either with :effect.')
  const known = effect === undefined ? undefined : parseTaintEffect(effect)
  if (effect !== undefined && known === undefined) {
    throw new InvalidArgumentError(`There is no effect ${effect}; there are: ${effectNames}.`)
  }
  return { key, ...(value !== undefined && { value }), ...(known !== undefined && { effect: known }) }
}
