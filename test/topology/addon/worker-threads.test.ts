import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { nativeAddon } from '../../../src/topology/addon/addon.js'
import { requirement } from '../../support/requirement.js'

t.setTimeout(240_000)
if (requirement(t, 'the native addon', nativeAddon() !== null, 'it is not compiled')) {
  t.test('worker threads terminated at any moment do not crash the process', async (t) => {
    const script = fileURLToPath(new URL('../../support/terminated-workers.js', import.meta.url))
    const { stdout } = await promisify(execFile)(process.execPath, [script, '25'])
    t.equal(stdout, 'survived')
  })
}
