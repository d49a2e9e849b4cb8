import type { Report, ReportFigure } from '@hailstream/events/reports';
import { escapeText } from '../charts/svg.js';
import { formatChange, formatFigure } from '../formats.js';
import { emptyNote, heading, suppressedText } from './parts.js';
import { figureWords } from './words.js';

/** The key figures, each with its definition and the change from the period before. */
export function figuresSection(report: Report): string {
  const { figures, period, previous, minCount } = report;
  const title = heading(
    'Key figures',
    `Of the ${period.kind} ${period.name}, compared with the ${previous.kind} before, ${previous.name}.`,
  );
  if (figures.every(({ value, suppressed }) => (value ?? 0) === 0 && suppressed.length === 0)) {
    return `${title}${emptyNote(`No rides and no working vehicles are known in the ${period.kind} ${period.name}.`)}`;
  }
  // Without a requested ride, no ride can be completed or cancelled.
  const known = figures.filter(
    ({ id, value, previous: before, suppressed }) =>
      id === 'requests' || [value, before].some((each) => (each ?? 0) !== 0) || suppressed.length > 0,
  );
  return `${title}<ul class="figures">${known.map((figure) => figureCard(figure, minCount)).join('')}</ul>`;
}

function figureCard(figure: ReportFigure, minCount: number): string {
  const { id, unit, currency, value, suppressed } = figure;
  const { name, definition } = figureWords[id];
  const text = suppressed.includes('value')
    ? suppressedText(minCount)
    : value === null
      ? '–'
      : escapeText(formatFigure(value, unit, currency));
  return (
    `<li><span class="name">${escapeText(name)}</span><span class="value">${text}</span>` +
    `<span class="change">${escapeText(changeText(figure))}</span>` +
    `<span class="definition">${escapeText(definition)}</span></li>`
  );
}

function changeText({ unit, currency, value, previous, suppressed }: ReportFigure): string {
  if (suppressed.includes('previous')) return 'before: suppressed';
  if (previous === null) return 'before: not known';
  const before = formatFigure(previous, unit, currency);
  return value === null ? `before: ${before}` : `${formatChange(value, previous, unit)}; before: ${before}`;
}
