import { shownLabels, ticksTo } from './axis.js';
import { coordinate, escapeText, openSvg } from './svg.js';

const WIDTH = 640;
const HEIGHT = 220;
const LEFT = 62;
const RIGHT = 8;
const TOP = 12;
const BOTTOM = 26;
const PLOT_WIDTH = WIDTH - LEFT - RIGHT;
const PLOT_HEIGHT = HEIGHT - TOP - BOTTOM;
const MAX_LABELS = 9;
const BAR_GAP = 0.2;
/** A point without neighbours is drawn as a dot. */
const DOT_RADIUS = 2.5;

/** Values of the intervals of a period. `null`: not known, or suppressed. */
export interface ChartSeries {
  readonly name: string;
  readonly kind: 'bars' | 'line';
  /** Class of its elements, which sets the colour. */
  readonly style: 'first' | 'second' | 'before';
  readonly values: readonly (number | null)[];
  /** Indexes of suppressed values. */
  readonly suppressed?: ReadonlySet<number>;
}

interface TimeChartOptions {
  readonly label: string;
  /** Labels of the intervals. */
  readonly labels: readonly string[];
  readonly series: readonly ChartSeries[];
  /** The text of a value. */
  readonly format: (value: number) => string;
  /** The largest value that the axis has at least. */
  readonly atLeast?: number;
}

/** A chart of values over time, with one axis. Bars have titles with their values. */
export function timeChart({ label, labels, series, format, atLeast = 0 }: TimeChartOptions): string {
  const largest = Math.max(atLeast, ...series.flatMap(({ values }) => values.map((value) => value ?? 0)));
  const ticks = ticksTo(largest);
  const top = ticks.at(-1)!;
  const x = (index: number): number => LEFT + ((index + 0.5) / labels.length) * PLOT_WIDTH;
  const y = (value: number): number => TOP + PLOT_HEIGHT * (1 - value / top);
  const isShown = shownLabels(labels.length, MAX_LABELS);
  const grid = ticks.map(
    (tick) =>
      `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${coordinate(y(tick))}" y2="${coordinate(y(tick))}"/>` +
      `<text class="axis" x="${LEFT - 6}" y="${coordinate(y(tick) + 4)}" text-anchor="end">${escapeText(format(tick))}</text>`,
  );
  const names = labels.map((text, index) =>
    isShown(index)
      ? `<text class="axis" x="${coordinate(x(index))}" y="${HEIGHT - 8}" text-anchor="middle">${escapeText(text)}</text>`
      : '',
  );
  const drawn = series.map((each) =>
    each.kind === 'bars' ? bars(each, { labels, x, y, format }) : line(each, { x, y }),
  );
  return [openSvg({ width: WIDTH, height: HEIGHT }, label), ...grid, ...names, ...drawn, '</svg>'].join('');
}

/** The names of the series with their colours; empty if there is one only. */
export function chartLegend(series: readonly ChartSeries[]): string {
  if (series.length < 2) return '';
  const entries = series.map(({ name, style }) => `<span class="key ${style}">${escapeText(name)}</span>`);
  return `<p class="legend">${entries.join(' ')}</p>`;
}

interface Placing {
  readonly x: (index: number) => number;
  readonly y: (value: number) => number;
}

function bars(
  { values, style, suppressed, name }: ChartSeries,
  { labels, x, y, format }: Placing & Pick<TimeChartOptions, 'labels' | 'format'>,
): string {
  const width = (PLOT_WIDTH / labels.length) * (1 - BAR_GAP);
  return values
    .map((value, index) => {
      const left = coordinate(x(index) - width / 2);
      const at = `x="${left}" width="${coordinate(width)}"`;
      if (suppressed?.has(index)) {
        const title = `<title>${escapeText(`${labels[index]}: suppressed`)}</title>`;
        return `<rect class="hidden" ${at} y="${coordinate(y(0) - 8)}" height="8">${title}</rect>`;
      }
      if (value === null || value === 0) return '';
      const title = `<title>${escapeText(`${labels[index]}: ${name} ${format(value)}`)}</title>`;
      return `<rect class="${style}" ${at} y="${coordinate(y(value))}" height="${coordinate(y(0) - y(value))}">${title}</rect>`;
    })
    .join('');
}

/** Lines between neighbouring values: none across an interval without one. */
function line({ values, style }: ChartSeries, { x, y }: Placing): string {
  const runs: number[][] = [];
  for (const [index, value] of values.entries()) {
    if (value === null) continue;
    if (index > 0 && values[index - 1] !== null && runs.length > 0) runs.at(-1)!.push(index);
    else runs.push([index]);
  }
  return runs
    .map((run) => {
      const points = run.map((index) => `${coordinate(x(index))},${coordinate(y(values[index]!))}`);
      const [first] = run;
      return run.length === 1
        ? `<circle class="${style}" cx="${coordinate(x(first!))}" cy="${coordinate(y(values[first!]!))}" r="${DOT_RADIUS}"/>`
        : `<polyline class="${style}" points="${points.join(' ')}"/>`;
    })
    .join('');
}
