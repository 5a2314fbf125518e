#!/usr/bin/env node
import { CommanderError } from 'commander'
import { longestDurationMs } from './options/duration.js'
import { ExitCode, exitCodeOf } from './options/exit-code.js'
import { describeFailure } from './options/failure.js'
import { buildProgram } from './program.js'

// A reader that leaves early (`numacast status | head -1`), or a parent that was killed with our stderr in its
// hands, is not an error of numacast. A full disk is.
for (const [name, stream] of [['stdout', process.stdout] as const, ['stderr', process.stderr] as const]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || error.code === 'EIO') return
    process.exitCode = ExitCode.failed
    if (name === 'stdout') process.stderr.write(`numacast: cannot write to stdout: ${error.message}\n`)
  })
}

// A command may be waiting for nothing but a timer of numacast's, and those do not keep a process alive.
const alive = setInterval(() => undefined, longestDurationMs)
try {
  await buildProgram().parseAsync()
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has printed its message. It ends --help and --version with an error of exit code 0.
    process.exitCode = error.exitCode === 0 ? ExitCode.done : ExitCode.usage
  } else {
    process.stderr.write(describeFailure(error, process.env))
    process.exitCode = exitCodeOf(error)
  }
} finally {
  clearInterval(alive)
}
