import { UsageError } from '@hailstream/service/command-line';
import { describe, expect, it } from 'vitest';
import { parseReplayArgs } from './replay-args.js';

describe('parseReplayArgs', () => {
  it('defaults to maximum speed', () => {
    expect(parseReplayArgs(['a.csv'])).toEqual({
      path: 'a.csv',
      speed: 'max',
      endMs: undefined,
      json: false,
    });
  });

  it('accepts a speed or an end', () => {
    expect(parseReplayArgs(['a.csv', '--speed', '2.5', '--json'])).toMatchObject({ speed: 2.5, json: true });
    expect(parseReplayArgs(['--end-at', '2026-03-01T12:00:00Z', 'a.csv'])).toMatchObject({
      endMs: Date.UTC(2026, 2, 1, 12),
    });
  });

  it.each([
    [[], 'expected one trace'],
    [['a', 'b'], 'expected one trace'],
    [['a', '--speed', 'fast'], '--speed: expected a number above 0 or max, got "fast"'],
    [['a', '--speed', '0'], '--speed: expected a number above 0 or max, got "0"'],
    [['a', '--end-at', 'noon'], 'got "noon"'],
    [['a', '--speed', '2', '--end-at', '2026-03-01'], '--end-at requires --speed max'],
    [['a', '--sped', '2'], "Unknown option '--sped'"],
    [['a', '--speed', '-1'], "Option '--speed' argument is ambiguous;"],
    [['a', '--end-at'], 'argument missing;'],
    [['a', '--json=yes'], 'does not take an argument;'],
  ])('rejects %j in one line with the reason and the usage', (args, reason) => {
    expect(() => parseReplayArgs(args)).toThrow(UsageError);
    expect(() => parseReplayArgs(args)).toThrow(reason);
    expect(() => parseReplayArgs(args)).toThrow(/^[^\n]*usage: replay FILE[^\n]*$/);
  });
});
