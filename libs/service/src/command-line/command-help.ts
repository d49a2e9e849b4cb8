import { commandUsage } from './command-usage.js';

/** The texts that a program with several commands prints about its usage. */
export class CommandHelp {
  private readonly usage: string;
  private readonly program: string;

  /**
   * @param options.usage a line per command (`name OPTIONS`), followed by indented lines
   * @param options.program how the program is started, without a command
   */
  constructor({ usage, program }: { readonly usage: string; readonly program: string }) {
    this.usage = usage;
    this.program = program;
  }

  /** The text of `help COMMAND` and `COMMAND --help` about one command, of `help` and `--help` about all. */
  requested(args: readonly string[]): string {
    const command = args.find((arg) => arg !== 'help' && arg !== '--help');
    return (command === undefined ? undefined : commandUsage(this.usage, command)) ?? this.usage;
  }

  /** What follows an error: the usage of the command alone, so that the error remains visible. */
  afterError(command = ''): string {
    return commandUsage(this.usage, command) ?? `"${this.program} help" lists the commands`;
  }
}
