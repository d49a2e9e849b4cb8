import { UsageError } from '@hailstream/service/command-line';
import { ProcessError } from '../processes/supervised-process.js';

/** The process context of a command. */
export interface CommandContext {
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

/**
 * Runs a command and sets the exit code it returns. Errors that the user can fix are printed in one line, with exit code
 * 1. `--help` prints the usage instead; without a usage, the command handles `--help` itself.
 */
export async function runCommand(
  usage: string | undefined,
  command: (context: CommandContext) => Promise<number>,
): Promise<void> {
  const args = process.argv.slice(2);
  if (usage !== undefined && (args.includes('--help') || args.includes('-h'))) {
    process.stdout.write(`${usage}\n`);
    return;
  }
  try {
    process.exitCode = await command({ args, env: process.env, cwd: process.cwd() });
  } catch (error) {
    if (!(error instanceof UsageError) && !(error instanceof ProcessError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
