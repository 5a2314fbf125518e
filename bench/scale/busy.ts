// Takes all the CPU that it can get, until its parent is gone.   node busy.js
process.on('disconnect', () => process.exit(0))

const turnMs = 100
function spin(): void {
  for (const endMs = performance.now() + turnMs; performance.now() < endMs; );
  setImmediate(spin)
}
spin()
