import {
  centralRings,
  shadeLimits,
  shadeOf,
  shadeRanges,
  type Report,
  type ReportCell,
} from '@hailstream/events/reports';
import { areaMap } from '../charts/area-map.js';
import { escapeText } from '../charts/svg.js';
import { formatCount, formatVehicles } from '../formats.js';
import { chartHeading, emptyNote, heading } from './parts.js';

const WIDTH = 420;

const MAPS = [
  ['requests', 'Demand', 'Rides requested from the cell.', formatCount],
  ['unmet', 'Unmet demand', 'Rides requested from the cell without a pick-up.', formatCount],
  ['pickUps', 'Pick-ups', 'Pick-ups of vehicles in the cell, with street hails.', formatCount],
  [
    'availableHours',
    'Supply',
    'Hours that vehicles were available in the cell. A position counts until the next one of the vehicle, at most two minutes.',
    (hours: number) => `${formatVehicles(hours)} h`,
  ],
  ['positions', 'Positions', 'Positions of vehicles in the cell.', formatCount],
] as const satisfies readonly (readonly [keyof ReportCell, string, string, (value: number) => string])[];

/** Supply and demand per H3 cell, as maps. */
export function mapSection(report: Report): string {
  const { cellResolution, outlines } = report;
  const lines = outlines.zones.length === 0 ? '' : ' Lines are the borders of zones.';
  const top = heading(
    'Supply and demand on the map',
    `H3 cells at resolution ${cellResolution}; each colour has about as many cells.${lines} North is up.`,
  );
  const maps = MAPS.map(([name, title, definition, format]) =>
    cellMap(report, { name, title, definition, format }),
  ).filter((map) => map !== '');
  return maps.length === 0
    ? `${top}${emptyNote('No position and no request is known in this period.')}`
    : `${top}<div class="maps">${maps.join('')}</div>`;
}

/** The map of one value; empty if no cell has any. */
function cellMap(
  { cells, outlines }: Report,
  map: {
    readonly name: (typeof MAPS)[number][0];
    readonly title: string;
    readonly definition: string;
    readonly format: (value: number) => string;
  },
): string {
  const { name, title, definition, format } = map;
  const values = cells.map((cell) => (cell.suppressed.includes(name) ? null : cell[name]));
  const known = values.flatMap((value) => (value !== null && value > 0 ? [value] : []));
  if (known.length === 0) return '';
  const limits = shadeLimits(known);
  const drawn = areaMap({
    label: `${title}. ${definition}`,
    width: WIDTH,
    areas: cells.map(({ cell }, index) => {
      const value = values[index]!;
      return {
        rings: [outlines.cells[index]!],
        className: shadeClass(limits, value),
        title: `${cell}: ${value === null ? 'suppressed' : format(value)}`,
      };
    }),
    outlines: outlines.zones.map(({ rings }) => rings),
    extent:
      outlines.zones.length > 0
        ? outlines.zones.flatMap(({ rings }) => rings)
        : centralRings(outlines.cells.map((ring, index) => ({ ring, value: values[index]! }))),
  });
  const keys = shadeKeys(known, format, values.includes(null) ? 'suppressed, also outside of the map' : null);
  return `<div>${chartHeading(title, definition)}<figure>${drawn}${keys}</figure></div>`;
}

/** The class of an area. `null`: suppressed. */
export function shadeClass(limits: readonly number[], value: number | null): string {
  if (value === null) return 'hidden';
  const shade = shadeOf(limits, value);
  return shade === null ? 'none' : `shade-${shade}`;
}

/** The ranges of values of the colours of a map. */
export function shadeKeys(
  values: readonly number[],
  format: (value: number) => string,
  suppressed: string | null,
): string {
  const keys = shadeRanges(values).map(({ shade, least, most }) => {
    const [from, to] = [format(least), format(most)];
    return mapKey(`shade-${shade}`, from === to ? from : `${from} – ${to}`);
  });
  if (suppressed !== null) keys.push(mapKey('hidden', suppressed));
  return `<p class="legend">${keys.join('')}</p>`;
}

export function mapKey(className: string, text: string): string {
  return `<span><span class="swatch ${className}"></span>${escapeText(text)}</span>`;
}
