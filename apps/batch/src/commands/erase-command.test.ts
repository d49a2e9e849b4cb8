import { UsageError } from '@hailstream/service/command-line';
import { describe, expect, it } from 'vitest';
import { parseEraseArgs } from './erase-command.js';

const id = '0197a1c8-6f71-7d49-b2a5-9ed041721f66';

describe(parseEraseArgs, () => {
  it('accepts an id in upper and lower case', () => {
    expect(parseEraseArgs(['--rider', id.toUpperCase(), '--json'])).toEqual({
      erasure: { kind: 'rider', id },
      isDryRun: false,
      isJson: true,
    });
    expect(parseEraseArgs(['--device', id, '--dry-run'])).toMatchObject({
      erasure: { kind: 'device', id },
      isDryRun: true,
    });
  });

  it.each([
    [[], 'expected either --rider UUID or --device UUID'],
    [['--rider', id, '--device', id], 'expected either'],
    [['--rider', 'anna'], '--rider: expected a UUID, got "anna"'],
    [['--trip', id], "Unknown option '--trip'"],
    [['--rider'], "'--rider"],
  ])('refuses %j', (args, message) => {
    expect(() => parseEraseArgs(args)).toThrow(UsageError);
    expect(() => parseEraseArgs(args)).toThrow(message);
  });
});
