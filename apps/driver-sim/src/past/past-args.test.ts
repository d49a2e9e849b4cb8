import { describe, expect, it } from 'vitest';
import { parsePastArgs } from './past-args.js';

describe(parsePastArgs, () => {
  it('separates its own arguments from those of the simulation', () => {
    const args = [
      '--minutes',
      '5',
      '--vehicles',
      '20',
      '--city',
      'a',
      '--city',
      'b',
      '--truth',
      'f',
      '--json',
    ];
    expect(parsePastArgs(args)).toEqual({
      minutes: 5,
      truthFile: 'f',
      json: true,
      simulation: ['--vehicles', '20', '--city', 'a', '--city', 'b'],
    });
    expect(parsePastArgs([])).toEqual({ minutes: 60, truthFile: undefined, json: false, simulation: [] });
  });

  it.each([
    [['--minutes', '0'], '--minutes: expected 1 to 1440, got "0"'],
    [['--minutes', '1441'], '--minutes: expected 1 to 1440'],
    [['--hours', '1'], 'usage: past'],
  ])('rejects %j', (args, message) => {
    expect(() => parsePastArgs(args)).toThrow(message);
  });
});
