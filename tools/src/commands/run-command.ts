import { ProcessError } from '../processes/supervised-process.js';
import { UsageError } from '../usage-error.js';

/** What a command knows of where it was called. */
export interface CommandContext {
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

/**
 * Runs a command and sets the exit code it returns; what the user can mend is told in a line, with exit code 1. `--help`
 * prints the usage instead; where there is none, it is for the command to answer.
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
