/**
 * Runs Node without the loaders that tap adds to every child process by `NODE_OPTIONS`: they cost time, load modules,
 * and write a file at the end. To be executed by `env`, which becomes Node and keeps its pid.
 */
export const plainNode: readonly string[] = ['-u', 'NODE_OPTIONS', process.execPath]
