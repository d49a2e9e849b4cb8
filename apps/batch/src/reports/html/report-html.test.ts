import { describe, expect, it } from 'vitest';
import { makeFigures, noFigures } from '../compile-report.fixture.js';
import { compileReport, type ReportFigures } from '../compile-report.js';
import { reportHtml } from './report-html.js';

function htmlOf(figures: ReportFigures, given: { zone?: string; minCount?: number } = {}): string {
  const { zone = null, minCount = 5 } = given;
  return reportHtml(
    compileReport(figures, { providerId: null, zone, minCount, nowMs: Date.UTC(2026, 2, 2) }),
  );
}

describe(reportHtml, () => {
  it('loads nothing', () => {
    const html = htmlOf(makeFigures());
    expect(html).toContain("default-src 'none'");
    expect(html).not.toMatch(/https?:|<script|<link|<img|@import|url\(/);
  });

  it('has the figures with their definitions, units and changes', () => {
    const html = htmlOf(makeFigures());
    expect(html).toContain('<span class="name">Requests</span><span class="value">113</span>');
    expect(html).toContain('+13 %; before: 100');
    expect(html).toContain('<span class="value">3 min</span>');
    expect(html).toContain('€21.50');
    expect(html).toContain('from the first request to the pick-up');
  });

  it('shows suppressed counts as suppressed', () => {
    const html = htmlOf(makeFigures());
    expect(html).toContain('Counts of fewer than 5 rides');
    expect(html).toMatch(/10:00<\/th><td><span class="few"/);
    expect(html).toContain('<path class="area hidden"');
    expect(html).not.toContain('fewer than 5, or suppressed');
    expect(htmlOf(makeFigures(), { minCount: 1 })).not.toContain('class="few"');
  });

  it('says that nothing is known of an empty period', () => {
    const html = htmlOf(noFigures());
    expect(html).toContain('No rides and no working vehicles are known in the day 2026-03-01.');
    expect(html).toContain('Nothing is known of the day 2026-03-01.');
    expect(html).not.toContain('NaN');
    expect(html).not.toContain('<svg');
  });

  it('escapes names', () => {
    const html = htmlOf(makeFigures(), { zone: '<b>"Port" & more' });
    expect(html).toContain('Zone &lt;b&gt;&quot;Port&quot; &amp; more');
  });

  it('has no number that is not one', () => {
    expect(htmlOf(makeFigures())).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('has zones on maps with their names, and the change from the period before', () => {
    const square = (west: number) => [
      west,
      43.7,
      west + 0.05,
      43.7,
      west + 0.05,
      43.75,
      west,
      43.75,
      west,
      43.7,
    ];
    const areas = ['Port', 'Hill', 'Beach'].map((name, index) => ({
      id: name.toLowerCase(),
      name,
      cells: [],
      rings: [square(7.4 + index * 0.05)],
    }));
    const zone = { completed: 40, cancelled: 10, unmet: 10, waits: 40, median_wait: 120, p90_wait: 300 };
    const html = htmlOf(
      makeFigures({
        areas,
        zones: [
          { ...zone, id: 'port', requests: 60 },
          { ...zone, id: 'hill', requests: 53 },
        ],
        previousZones: [
          { ...zone, id: 'port', requests: 40 },
          { ...zone, id: 'hill', requests: 50 },
        ],
      }),
    );
    expect(html).toContain('<title>Port: 60</title>');
    expect(html).toContain('<title>Beach: 0</title>');
    expect(html).toMatch(/class="area rise-2"[^>]*><title>Port: \+50 %<\/title>/);
    expect(html).toMatch(/class="area steady"[^>]*><title>Hill: \+6 %<\/title>/);
    expect(html).toMatch(/<text class="place"[^>]*><tspan[^>]*>Port<\/tspan><tspan[^>]* class="value">60</);
    expect(html).toMatch(/<th scope="row">Port<\/th><td>60<\/td><td>40<\/td><td>\+50 %<\/td>/);
  });

  it('draws the period before as a line', () => {
    const figures = makeFigures();
    const [rides] = [...figures.intervals.rides.values()];
    const at = Date.parse(figures.previousPeriod.from) + 8 * 3_600_000;
    const previousIntervals = { ...figures.previousIntervals, rides: new Map([[at, rides!]]) };
    const html = htmlOf({ ...figures, previousIntervals });
    expect(html).toContain('class="before"');
    expect(html).toContain('before, 2026-02-28');
    expect(htmlOf(figures)).not.toContain('class="before"');
  });

  it('shows the pick-ups of zones without requests', () => {
    const ring = [7.4, 43.7, 7.5, 43.7, 7.5, 43.8, 7.4, 43.8, 7.4, 43.7];
    const html = htmlOf(
      makeFigures({
        areas: [{ id: 'port', name: 'Port', cells: [], rings: [ring] }],
        pickUps: new Map([['port', 70]]),
        previousPickUps: new Map([['port', 50]]),
      }),
    );
    expect(html).toContain('Pick-ups by zone');
    expect(html).toMatch(/<th scope="row">Port<\/th><td>70<\/td><td>50<\/td><td>\+40 %<\/td><\/tr>/);
  });
});
