import { describe, expect, it } from 'vitest';
import { commandUsage } from './command-usage.js';

const USAGE = `usage: program COMMAND
run [--json]
    runs
run-all
    runs all
    of them
items list
    lists
items add NAME
        [--force]
    adds
stop`;

describe('commandUsage', () => {
  it.each([
    ['run', 'run [--json]\n    runs'],
    ['run-all', 'run-all\n    runs all\n    of them'],
    ['items', 'items list\n    lists\nitems add NAME\n        [--force]\n    adds'],
    ['stop', 'stop'],
  ])('of %s has its lines and those indented after them', (command, expected) => {
    expect(commandUsage(USAGE, command)).toBe(expected);
  });

  it.each(['', 'item', 'runs', '    runs'])('of an unknown command is undefined: %j', (command) => {
    expect(commandUsage(USAGE, command)).toBeUndefined();
  });
});
