import { describe, expect, it } from 'vitest';
import { parseReplayArgs, UsageError } from './replay-args.js';

describe('parseReplayArgs', () => {
  it('takes a file alone, to be sent as fast as it goes', () => {
    expect(parseReplayArgs(['a.csv'])).toEqual({
      path: 'a.csv',
      speed: 'max',
      endMs: undefined,
      json: false,
    });
  });

  it('takes a pace, or an end', () => {
    expect(parseReplayArgs(['a.csv', '--speed', '2.5', '--json'])).toMatchObject({ speed: 2.5, json: true });
    expect(parseReplayArgs(['--end-at', '2026-03-01T12:00:00Z', 'a.csv'])).toMatchObject({
      endMs: Date.UTC(2026, 2, 1, 12),
    });
  });

  it.each([
    [[], 'takes one trace'],
    [['a', 'b'], 'takes one trace'],
    [['a', '--speed', 'fast'], '--speed is "fast"'],
    [['a', '--speed', '0'], '--speed is "0"'],
    [['a', '--end-at', 'noon'], '--end-at is "noon"'],
    [['a', '--speed', '2', '--end-at', '2026-03-01'], '--end-at goes with --speed max'],
    [['a', '--sped', '2'], "Unknown option '--sped'"],
    [['a', '--speed', '-1'], "Option '--speed' argument is ambiguous;"],
    [['a', '--end-at'], 'argument missing;'],
    [['a', '--json=yes'], 'does not take an argument;'],
  ])('refuses %j in one line that says what and how it goes', (args, reason) => {
    expect(() => parseReplayArgs(args)).toThrow(UsageError);
    expect(() => parseReplayArgs(args)).toThrow(reason);
    expect(() => parseReplayArgs(args)).toThrow(/^[^\n]*usage: replay FILE[^\n]*$/);
  });
});
