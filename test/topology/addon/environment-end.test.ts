import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { nativeAddon } from '../../../src/topology/addon/addon.js'
import { requirement } from '../../support/requirement.js'

t.setTimeout(240_000)
const script = fileURLToPath(new URL('../../support/ending-threads.js', import.meta.url))

interface Outcome {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

function endBy(mode: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [script, mode], (_error, stdout, stderr) => {
      resolve({ code: child.exitCode, signal: child.signalCode, stdout, stderr })
    })
  })
}

if (requirement(t, 'the native addon', nativeAddon() !== null, 'it is not compiled')) {
  for (const mode of ['return', 'exit', 'throw', 'terminate']) {
    t.test(`threads that hold watches and samplers end by ${mode} and leave no descriptor`, async (t) => {
      const { code, signal, stdout, stderr } = await endBy(mode)
      t.same({ code, signal }, { code: 0, signal: null }, stderr.slice(-2_000))
      t.same(JSON.parse(stdout || 'null'), { left: 0 })
    })
  }

  for (const [mode, expected] of [
    ['main-exit', 0],
    ['main-throw', 1],
  ] as const) {
    t.test(`the process ends by ${mode} while threads hold watches and samplers`, async (t) => {
      const { code, signal, stderr } = await endBy(mode)
      t.same({ code, signal }, { code: expected, signal: null }, stderr.slice(-2_000))
    })
  }
}
