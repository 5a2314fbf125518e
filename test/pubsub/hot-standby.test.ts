import t from 'tap'
import { claimDomain } from '../support/domain-lock.js'
import { ExampleRole } from '../support/example-role.js'

t.setTimeout(300_000)

t.test('the hot stand-by example runs as its README describes', async (t) => {
  const domain = await claimDomain(t)
  const start = (name: string, ...args: string[]): ExampleRole =>
    new ExampleRole(t, 'hot-standby', domain, name, ...args)
  const display = start('display')
  const standBy = start('gauge', 'stand-by', '1')
  await display.printed(/boiler: read by stand-by\n/)
  await standBy.printed(/1 reading along\n/)

  const main = start('gauge', 'main', '10')
  await display.printed(/boiler: read by main\n/)
  display.clear()
  main.process.kill('SIGKILL')
  await display.printed(/boiler: read by stand-by\n/)
  display.clear()

  const again = start('gauge', 'main', '10')
  await display.printed(/boiler: read by main\n/)
  display.clear()
  again.process.kill('SIGSTOP')
  await display.printed(/boiler: read by stand-by\n/)
  display.clear()
  again.process.kill('SIGCONT')
  await display.printed(/boiler: read by main\n/)

  const late = start('display')
  await late.printed(/boiler: read by main\n/)
  for (const role of [late, again, standBy, display]) t.equal(await role.stop(), 0)
})
