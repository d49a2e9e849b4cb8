import { describe, expect, it } from 'vitest';
import { CommandHelp } from './command-help.js';

const RUN = 'run [--json]\n    runs';
const USAGE = `usage: program COMMAND\n${RUN}\nstop\n    stops`;
const help = new CommandHelp({ usage: USAGE, program: 'program' });

describe('CommandHelp', () => {
  it.each([
    [['help'], USAGE],
    [['--help'], USAGE],
    [['help', 'run'], RUN],
    [['run', '--json', '--help'], RUN],
    [['help', 'walk'], USAGE],
  ])('prints for %j', (args, expected) => {
    expect(help.requested(args)).toBe(expected);
  });

  it('prints the usage of the command after an error, and how to list the commands if it is unknown', () => {
    expect(help.afterError('run')).toBe(RUN);
    expect(help.afterError('walk')).toBe('"program help" lists the commands');
    expect(help.afterError()).toBe('"program help" lists the commands');
  });
});
