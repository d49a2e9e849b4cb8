import { describe, expect, it } from 'vitest';
import { UsageError } from './command-options.js';
import { parseVerifyArgs } from './verify-command.js';

const topic = 'ride.telemetry';
const topics = ['ride.telemetry', 'ride.trips'];
const time = '2026-11-22T12:00:00Z';
const timestampMs = Date.UTC(2026, 10, 22, 12);

describe(parseVerifyArgs, () => {
  it('compares all records of all topics by default', () => {
    expect(parseVerifyArgs([], topics)).toEqual({
      topics,
      partition: undefined,
      from: { kind: 'earliest' },
      to: { kind: 'latest' },
      isJson: false,
    });
    expect(parseVerifyArgs(['--from', time, '--json'], topics)).toMatchObject({
      from: { kind: 'time', timestampMs },
      isJson: true,
    });
    expect(parseVerifyArgs(['--topic', topic, '--partition', '3', '--to', '7'], topics)).toMatchObject({
      topics: [topic],
      partition: 3,
      to: { kind: 'offset', offset: 7n },
    });
  });

  it.each([
    [['--topic', 'x'], '--topic: expected one of ride.telemetry, ride.trips, got "x"'],
    [['--partition', '1'], '--topic: expected with --partition and with offsets'],
    [['--from', '7'], '--topic: expected with --partition and with offsets'],
    [['--topic', topic, '--partition', '-1'], '--partition'],
    [['--topic', topic, '--from', '7', '--to', '7'], '--to: expected a bound after --from (7), got "7"'],
    [['--from', time, '--to', '2026-11-22T11:00:00Z'], '--to: expected a bound after --from'],
    [['--from', 'latest'], '--to: expected a bound after --from'],
    [['--from', '2026-11-22'], '--from: expected earliest, latest, an offset, or a time'],
    [['--to', 'now'], '--to: expected earliest'],
    [['--dry-run'], "Unknown option '--dry-run'"],
  ])('refuses %j', (args, message) => {
    const parse = () => parseVerifyArgs(args, topics);
    expect(parse).toThrow(UsageError);
    expect(parse).toThrow(message);
  });
});
