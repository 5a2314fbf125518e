import { Command } from 'commander'
export function intentCommand(): Command {
  return new Command('intent')
}
