import { describe, expect, it } from 'vitest';
import { parseRebuildTripsArgs } from './rebuild-trips-command.js';

describe(parseRebuildTripsArgs, () => {
  it('accepts days and times, in UTC unless an offset is given', () => {
    expect(
      parseRebuildTripsArgs(['--from', '2026-11-22', '--to', '2026-11-22T08:00+01:00', '--json']),
    ).toEqual({
      period: { fromMs: Date.UTC(2026, 10, 22), toMs: Date.UTC(2026, 10, 22, 7) },
      isJson: true,
    });
    expect(parseRebuildTripsArgs([])).toEqual({ period: {}, isJson: false });
  });

  it.each([
    [['--from', 'yesterday'], '--from: expected a time such as 2026-11-22'],
    [['--to', '2026-11-22T08:00'], '--to: expected a time such as'],
    [['--from', '2026-11-22', '--to', '2026-11-22'], '--to: expected a time after --from'],
    [['--since', '2026-11-22'], 'Unknown option'],
  ])('rejects %j', (args, message) => {
    expect(() => parseRebuildTripsArgs(args)).toThrow(message);
  });
});
