import { UsageError } from '@hailstream/service/command-line';
import { describe, expect, it } from 'vitest';
import { parseBackfillArgs } from './backfill-command.js';
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
      hasPartitions: false,
    });
    expect(parseVerifyArgs(['--from', time, '--json'], topics)).toMatchObject({
      from: { kind: 'time', timestampMs },
      isJson: true,
    });
    expect(parseVerifyArgs(['--to', '2026-11-22'], topics)).toMatchObject({
      to: { kind: 'time', timestampMs: Date.UTC(2026, 10, 22) },
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
    [['--from', '2026-11-22T12:00'], '--from: expected earliest, latest, an offset, or a time'],
    [['--from', '2026-02-30'], '--from: expected a date'],
    [['--to', 'now'], '--to: expected earliest'],
    [['--dry-run'], "Unknown option '--dry-run'"],
  ])('refuses %j', (args, message) => {
    const parse = () => parseVerifyArgs(args, topics);
    expect(parse).toThrow(UsageError);
    expect(parse).toThrow(message);
  });
});

describe(parseBackfillArgs, () => {
  it('requires topic and bounds', () => {
    const args = ['--topic', topic, '--from', time, '--to', 'latest'];
    expect(parseBackfillArgs(args, topics)).toEqual({
      topic,
      partition: undefined,
      from: { kind: 'time', timestampMs },
      to: { kind: 'latest' },
      isDryRun: false,
      isJson: false,
    });
    expect(parseBackfillArgs([...args, '--dry-run'], topics)).toMatchObject({ isDryRun: true });
  });

  it.each([
    [[], 'backfill: expected --topic'],
    [['--topic', topic], 'backfill: expected --from'],
    [['--topic', topic, '--from', '0'], 'backfill: expected --to'],
    [['--topic', 'x', '--from', '0', '--to', '1'], 'got "x"'],
    [['--topic', topic, '--from', '2', '--to', '1'], '--to: expected a bound after --from (2), got "1"'],
  ])('refuses %j', (args, message) => {
    const parse = () => parseBackfillArgs(args, topics);
    expect(parse).toThrow(UsageError);
    expect(parse).toThrow(message);
  });
});
