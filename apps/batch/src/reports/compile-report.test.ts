import { describe, expect, it } from 'vitest';
import { makeFigures, noFigures } from './compile-report.fixture.js';
import { compileReport } from './compile-report.js';

const options = { providerId: null, zone: null, minCount: 5, nowMs: Date.UTC(2026, 2, 2) };

function figureOf(id: string, given = makeFigures(), minCount = 5) {
  return compileReport(given, { ...options, minCount }).figures.find((figure) => figure.id === id);
}

describe(compileReport, () => {
  it('has the figures of the period and of the one before', () => {
    expect(figureOf('requests')).toEqual({
      id: 'requests',
      unit: 'count',
      value: 113,
      previous: 100,
      suppressed: [],
    });
    expect(figureOf('completionShare', makeFigures(), 1)).toMatchObject({ value: 100 / 111 });
    // 72,000 s of work in 4 hours are 5 vehicles, which had a rider for 28,800 s.
    expect(figureOf('workingVehicles')).toMatchObject({ value: 5 });
    expect(figureOf('utilisationShare')).toMatchObject({ value: 0.4 });
    expect(figureOf('earningsPerVehicleHour')).toMatchObject({
      value: 2_150,
      previous: null,
      currency: 'EUR',
    });
  });

  it('has all hours of the day, also those of which nothing is known', () => {
    const { intervals } = compileReport(makeFigures(), { ...options, minCount: 1 });
    expect(intervals).toHaveLength(24);
    expect(intervals[8]).toMatchObject({ start: '2026-03-01T08:00:00.000Z', requests: 50, trips: 101 });
    expect(intervals[0]).toMatchObject({ requests: 0, medianWaitSeconds: null, workingVehicles: null });
  });

  it('suppresses small counts, and one more that would reveal the only small one', () => {
    const { intervals, cells } = compileReport(makeFigures(), options);
    expect(intervals[10]).toMatchObject({ requests: null, medianWaitSeconds: null });
    expect(intervals[8]).toMatchObject({
      requests: null,
      suppressed: ['requests', 'medianWaitSeconds', 'p90WaitSeconds'],
    });
    expect(intervals[9]).toMatchObject({ requests: 60, suppressed: [] });
    expect(cells.map(({ requests }) => requests)).toEqual([60, null, null]);
    expect(cells.map(({ availableHours }) => availableHours)).toEqual([22.5, null, null]);
  });

  it('does not reveal a suppressed outcome by the sum of the cancellations', () => {
    const rows = compileReport(makeFigures(), options).outcomes.map(({ outcome, rides }) => [outcome, rides]);
    // 2 open rides are few. With the requests, 100 completed and 11 cancelled would reveal them.
    expect(rows).toEqual([
      ['completed', 100],
      ['cancelledByRider', null],
      ['cancelledByDriver', null],
      ['cancelledByProvider', 0],
      ['onTrip', 0],
      ['open', null],
    ]);
    expect(figureOf('cancelled')).toMatchObject({ value: null, suppressed: ['value', 'previous'] });
    expect(figureOf('completionShare')).toMatchObject({ value: null });
    expect(figureOf('completed')).toMatchObject({ value: 100 });
  });

  it('suppresses nothing if one ride is enough', () => {
    const report = compileReport(makeFigures(), { ...options, minCount: 1 });
    const lists = [report.intervals, report.outcomes, report.cells, report.figures];
    expect(lists.flat().filter(({ suppressed }) => suppressed.length > 0)).toEqual([]);
    expect(report.outcomes.reduce((sum, { rides }) => sum + rides!, 0)).toBe(113);
  });

  it('combines cells to larger ones, with the same sums', () => {
    const { cells, cellResolution } = compileReport(makeFigures(), { ...options, minCount: 1 });
    expect(cellResolution).toBe(8);
    expect(cells.reduce((sum, { requests }) => sum + requests!, 0)).toBe(113);
  });

  it('says that lateness is not known, and has the rejects of all providers', () => {
    expect(compileReport(makeFigures(), options).quality).toMatchObject([
      { positions: 777, rejects: 0, duplicates: 9, silences: 1, late: null },
      { providerId: null, positions: 0, rejects: 2, duplicates: 0 },
    ]);
  });

  it('knows nothing of a day without events', () => {
    const report = compileReport(noFigures(), options);
    expect(new Set(report.figures.map(({ value }) => value))).toEqual(new Set([0, null]));
    expect(report.states).toEqual([]);
  });
});
