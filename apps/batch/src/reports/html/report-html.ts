import type { Report } from '@hailstream/events/reports';
import { escapeText } from '../charts/svg.js';
import { figuresSection } from './figures-section.js';
import { comparisonSection, outcomesSection, qualitySection, statesSection } from './other-sections.js';
import { mapSection } from './map-section.js';
import { REPORT_STYLE } from './style.js';
import { timeSections } from './time-section.js';
import { ReportTimes } from './words.js';
import { zonesSection } from './zones-section.js';

/** The report as one HTML document that loads nothing: it can be sent by mail, opened without a network, and printed. */
export function reportHtml(report: Report): string {
  const title = titleOf(report);
  const sections = [
    figuresSection(report),
    timeSections(report),
    outcomesSection(report),
    statesSection(report),
    mapSection(report),
    zonesSection(report),
    qualitySection(report),
    comparisonSection(report),
  ];
  return [
    '<!doctype html>',
    '<html lang="en">',
    `<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>${escapeText(title)}</title>`,
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    `<style>${REPORT_STYLE}</style></head>`,
    `<body><header>${header(report, title)}</header><main>${sections.join('\n')}</main></body>`,
    '</html>\n',
  ].join('\n');
}

function titleOf({ period }: Report): string {
  const kinds = { day: 'Day', week: 'Week', month: 'Month' } as const;
  return `${kinds[period.kind]} ${period.name}: ride-hailing report`;
}

function header(report: Report, title: string): string {
  const { period, providerId, zone, generatedAt, minCount } = report;
  const times = new ReportTimes(report);
  const facts = [
    `From ${times.moment(period.from)} to ${times.moment(period.to)} (${period.timeZone})`,
    providerId === null ? 'All providers' : `Provider ${providerId}`,
    ...(zone === null ? [] : [`Zone ${zone}, by the place of the request`]),
    `Generated ${times.moment(generatedAt)}`,
  ];
  const suppression =
    minCount > 1
      ? `<p class="soft">Counts of fewer than ${minCount} rides, and other counts that would reveal them, are suppressed.</p>`
      : '';
  return `<h1>${escapeText(title)}</h1><p>${escapeText(times.date(period.from))}${period.kind === 'day' ? '' : ' and after'}</p><ul class="facts">${facts.map((fact) => `<li>${escapeText(fact)}</li>`).join('')}</ul>${suppression}`;
}
