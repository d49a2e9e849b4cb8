import { UsageError } from '@hailstream/service/command-line';
import { describe, expect, it } from 'vitest';
import { parseReportArgs } from './report-command.js';

describe(parseReportArgs, () => {
  it('suppresses counts below 5 by default', () => {
    expect(parseReportArgs(['--day', '2026-03-01', '--out', 'a.html', '--csv'])).toMatchObject({
      period: { kind: 'day', name: '2026-03-01', timeZone: 'UTC' },
      minCount: 5,
      writesCsv: true,
      writesJson: false,
      providerId: null,
      zone: null,
    });
  });

  it.each([
    [['--out', 'a.html'], '--day: expected one of day, week and month, got none'],
    [['--day', '2026-03-01', '--month', '2026-03', '--out', 'a.html'], 'got day and month'],
    [['--day', '2026-03-01'], '--out: expected the name of a file'],
    [['--day', '2026-03-01', '--out', 'a.pdf'], '--out: expected a name that ends with .html'],
    [['--week', '2026-03', '--out', 'a.html'], '--week: expected a week such as 2026-W09'],
    [
      ['--day', '2026-03-01', '--out', 'a.html', '--min-count', '0'],
      '--min-count: expected an integer from 1',
    ],
    [['--day', '2026-03-01', '--out', 'a.html', '--time-zone', 'x'], '--time-zone: expected a time zone'],
    [['--day', '2026-03-01', '--out', 'a.html', '--provider', 'x'], '--provider: expected a UUID'],
  ])('refuses %j', (args, message) => {
    const parse = () => parseReportArgs(args);
    expect(parse).toThrow(UsageError);
    expect(parse).toThrow(message);
  });
});
