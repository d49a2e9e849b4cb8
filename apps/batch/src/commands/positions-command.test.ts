import { UsageError } from '@hailstream/service/command-line';
import { describe, expect, it } from 'vitest';
import { parsePositionsArgs } from './positions-command.js';

const topic = 'ride.telemetry';
const topics = ['ride.telemetry', 'ride.trips'];

describe('parsePositionsArgs', () => {
  it('shows all topics by default', () => {
    expect(parsePositionsArgs(['show'], topics).selected.topics).toContain('ride.trips');
    expect(parsePositionsArgs(['show', '--topic', topic, '--json'], topics)).toMatchObject({
      command: 'show',
      selected: { topics: [topic] },
      isJson: true,
    });
  });

  it('resets to the earliest record by default, and requires confirmation', () => {
    const args = parsePositionsArgs(['reset', '--topic', topic, '--partition', '3'], topics);
    expect(args).toMatchObject({ to: 'earliest', isConfirmed: false, selected: { partition: 3 } });
    expect(parsePositionsArgs(['reset', '--all', '--to', '42', '--yes'], topics)).toMatchObject({
      to: '42',
      isConfirmed: true,
    });
  });

  it.each([
    [[], 'positions: expected show, reset or adopt, got ""'],
    [['move'], 'got "move"'],
    [['toString'], 'got "toString"'],
    [['reset'], '--topic: expected one of ride.telemetry'],
    [['adopt'], 'or --all'],
    [['show', '--topic', 'x'], 'got "x"'],
    [['reset', '--all', '--topic', topic], '--all: cannot be combined'],
    [['reset', '--topic', topic, '--partition', 'one'], '--partition: expected a number'],
    [['reset', '--topic', topic, '--to', '2026-11-22'], '--to: expected earliest, latest, an offset'],
    [['reset', '--topic', topic, '--to', '2026-11-22T12:00:00'], '--to: expected'],
    [['reset', '--topic', topic, '--to', '99999999999999999999'], '--to: expected'],
    [['show', '--yes'], 'positions show: unknown option --yes'],
    [['adopt', '--all', '--to', '1'], 'positions adopt: unknown option --to'],
    [['show', '--what'], "Unknown option '--what'"],
  ])('refuses %j', (args, message) => {
    const parse = () => parsePositionsArgs(args, topics);
    expect(parse).toThrow(UsageError);
    expect(parse).toThrow(message);
  });
});
