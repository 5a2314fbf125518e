import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { mustBeSystemError } from '../../core/error-code.js'
import type { NativeAddon } from './native-addon.js'

/** Whether the native addon is in use; where it is not, the reason as one sentence. */
export type AddonStatus = { readonly available: true } | { readonly available: false; readonly reason: string }

const packageRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..', '..', '..')
/** Raised with each change of {@link NativeAddon}, together with that of native/src/binding/addon.cc. */
const interfaceVersion = 2
const loaded = load()

/**
 * Whether the native addon is in use. Without it (macOS, Windows, no compiler) importing numacast still works: the
 * topology comes from `node:os`, headroom is `unknown`, watches are `unavailable`.
 *
 * The environment variable `NUMACAST_ADDON` names another compiled addon, or `none` to do without.
 */
export function addonStatus(): AddonStatus {
  return typeof loaded === 'string' ? { available: false, reason: loaded } : { available: true }
}

/** For src/topology only: returns the addon, or `null` where {@link addonStatus} tells why not. */
export function nativeAddon(): NativeAddon | null {
  return typeof loaded === 'string' ? null : loaded
}

/** For src/topology only: returns the addon, or the reason why there is none. */
export function nativeAddonOrReason(): NativeAddon | string {
  return loaded
}

/** The addon, or the reason why there is none. Never throws: importing numacast must work everywhere. */
function load(): NativeAddon | string {
  const asked = process.env.NUMACAST_ADDON
  if (asked === 'none') return 'the native addon is switched off (NUMACAST_ADDON=none)'
  if (process.platform !== 'linux') return `the native addon is for Linux; this is ${process.platform}`
  const file =
    asked === undefined || asked === ''
      ? path.join(packageRoot, 'build', 'Release', 'numacast.node')
      : path.resolve(asked)
  if (!existsSync(file)) return notBuilt(file)
  try {
    const addon = createRequire(import.meta.url)(file) as NativeAddon
    return addon.interfaceVersion === interfaceVersion ? addon : otherVersion(file)
  } catch (error) {
    return `the native addon ${file} could not be loaded: ${error instanceof Error ? error.message : String(error)}`
  }
}

/** An addon that was compiled from other sources would be called with the wrong arguments. */
function otherVersion(file: string): string {
  return `the native addon ${file} was compiled from another version of numacast: run "node native/build.mjs"`
}

/** native/build.mjs leaves its reason behind when a build fails. */
function notBuilt(file: string): string {
  try {
    return readFileSync(path.join(packageRoot, 'build', 'unavailable.txt'), 'utf8').trim()
  } catch (error) {
    mustBeSystemError(error)
    return `the native addon is not compiled (${file} is missing): run "node native/build.mjs"`
  }
}
