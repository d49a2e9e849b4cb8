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
    expect(html).toContain('<polygon class="hidden"');
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
});
