import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { addonStatus } from '../../src/topology/addon/addon.js'
import { cloudKernelPackage, debianPackage } from './debian-package.js'

export interface Prerequisites {
  readonly qemu: string
  readonly numactl: string
  readonly busybox: string
  readonly kernelPackage: string
  readonly kernel: string
}

/** Returns everything that the machines need, or why they cannot be built here. */
export function findPrerequisites(): Prerequisites | string {
  const addon = addonStatus()
  if (!addon.available) return addon.reason
  if (process.arch !== 'x64')
    return `the machine is an x86-64 one, with this computer's own Node inside: ${process.arch}`
  const qemu = installedProgram('qemu-system-x86_64')
  if (qemu === undefined) return 'qemu-system-x86_64 is not installed (Debian: qemu-system-x86)'
  const numactl = installedProgram('numactl')
  if (numactl === undefined) return 'numactl is not installed'
  try {
    const kernelPackage = debianPackage('linux', cloudKernelPackage)
    const busybox = path.join(
      debianPackage('busybox', () => 'busybox-static'),
      'bin',
      'busybox',
    )
    const boot = path.join(kernelPackage, 'boot')
    const image = readdirSync(boot).find((name) => name.startsWith('vmlinuz-'))
    if (image === undefined || !existsSync(busybox))
      return `the packages unpacked at ${boot} and ${busybox} are incomplete`
    return { qemu, numactl, busybox, kernelPackage, kernel: path.join(boot, image) }
  } catch (error) {
    return `the guest's kernel or busybox could not be had: ${error instanceof Error ? error.message : String(error)}`
  }
}

/** Returns the full path of an installed program, or `undefined`. */
function installedProgram(name: string): string | undefined {
  try {
    return execFileSync('sh', ['-c', 'command -v "$1"', 'sh', name], { encoding: 'utf8' }).trim()
  } catch {
    return undefined
  }
}
