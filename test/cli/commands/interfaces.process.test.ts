import t from 'tap'
import { readInterfaces } from '../../../src/transport/interfaces/interfaces.js'
import { runCli } from '../../support/run-cli.js'

t.test('interfaces --json prints what the library reads, on one line', async (t) => {
  const { code, stdout, stderr } = await runCli(['interfaces', '--json'])
  t.equal(code, 0)
  t.equal(stderr, '')
  t.equal(stdout.trimEnd().split('\n').length, 1)
  t.same(JSON.parse(stdout), { interfaces: readInterfaces() })
})

t.test('interfaces without --json prints a table', async (t) => {
  const { code, stdout } = await runCli(['interfaces', '--interface', 'lo'])
  t.equal(code, 0)
  t.match(stdout, /^INTERFACE +KIND +ADDRESS +SPEED +USED FOR +WHY\n/)
  t.match(stdout, /\nlo +loopback +127\.0\.0\.1\/8 +host +loopback: for the participants of this host\n/)
})

t.test('NUMACAST_INTERFACES applies, and the option takes precedence over it', async (t) => {
  const environment = { NUMACAST_INTERFACES: 'nowhere0' }
  const bySetting = await runCli(['interfaces'], environment)
  t.match(bySetting, { code: 3, stderr: /no interface is called "nowhere0"/ })
  t.match(await runCli(['interfaces', '--interface', 'lo'], environment), { code: 0 })
  t.match(await runCli(['interfaces', '--json'], { NUMACAST_INTERFACES: ' lo ' }), { code: 0 })
})

t.test('an interface that does not exist is not found; an invalid name is wrong usage', async (t) => {
  const { code, stdout, stderr } = await runCli(['interfaces', '--interface', 'nowhere0'])
  t.equal(code, 3)
  t.equal(stdout, '')
  t.match(stderr, /^numacast: no interface is called "nowhere0".*lo.*\n$/)
  t.match(await runCli(['interfaces', '--interface', '192.0.2.77']), { code: 3 }, 'an address')
  const environment = { NUMACAST_INTERFACES: 'nowhere0', NUMACAST_RANGE: 'subnet', NUMACAST_INSECURE: '1' }
  const asSetting = await runCli(['status'], environment)
  t.equal(asSetting.code, 2, 'in the environment it is wrong usage')
  t.equal(asSetting.stderr, stderr)
  for (const name of ['', 'sixteen-letters-', 'a/b', 'eth0:1', '..', '300.1.1.1/8']) {
    const wrong = await runCli(['interfaces', '--interface', name])
    t.equal(wrong.code, 2, name)
    t.match(wrong.stderr, /--interface <name\.\.\.>.*is invalid.*such as eth0/, name)
  }
})
