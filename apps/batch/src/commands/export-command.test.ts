import { UsageError } from '@hailstream/service/command-line';
import { describe, expect, it } from 'vitest';
import { parseExportArgs } from './export-command.js';

const complete = ['--from', '2026-03-01', '--to', '2026-03-02T12:00:00+01:00', '--out', 'a.csv'];

describe(parseExportArgs, () => {
  it('takes dates as days in UTC, and times with their time zone', () => {
    expect(parseExportArgs([...complete, '--table', 'trips', '--format', 'csv'])).toMatchObject({
      table: { name: 'trips', timeColumn: 'end_time' },
      fromMs: Date.UTC(2026, 2, 1),
      toMs: Date.UTC(2026, 2, 2, 11),
      format: 'csv',
      isForced: false,
    });
  });

  it.each([
    [
      ['--table', 'rejects'],
      '--table: expected one of telemetry, vehicle_events, rider_events, trips, rebuilt_trips',
    ],
    [['--table', 'trips', '--format', 'xml'], '--format: expected one of parquet, csv, got "xml"'],
    [['--table', 'trips', '--format', 'csv', '--to', '2026-03-01'], '--to: expected a time after --from'],
    [['--table', 'trips', '--format', 'csv', '--from', '2026-02-30'], '--from: expected a date such as'],
    [
      ['--table', 'trips', '--format', 'csv', '--from', '2026-02-03T10:00'],
      '--from: expected a date such as',
    ],
    [['--table', 'trips', '--format', 'csv', '--provider', 'x'], '--provider: expected a UUID, got "x"'],
    [['--table', 'trips', '--format', 'csv', '--out', ''], '--out: expected the name of a file'],
  ])('refuses %j', (args, message) => {
    const parse = () => parseExportArgs([...complete, ...args]);
    expect(parse).toThrow(UsageError);
    expect(parse).toThrow(message);
  });
});
