import { shadeLimits, type Report, type ReportZone } from '@hailstream/events/reports';
import { areaMap } from '../charts/area-map.js';
import { formatChange, formatCount, formatDuration } from '../formats.js';
import { mapKey, shadeClass, shadeKeys } from './map-section.js';
import { chartHeading, heading, htmlTable, type Cell } from './parts.js';

const LARGE_WIDTH = 900;
const SMALL_WIDTH = 420;
/** Changes up to this many percent have the lightest colour, up to three times as many the next one. */
const SMALL_CHANGE = 10;

/** What is counted in zones. A fleet without requests, such as taxis at stands, has pick-ups only. */
interface Counted {
  readonly now: 'requests' | 'pickUps';
  readonly before: 'previousRequests' | 'previousPickUps';
  readonly title: string;
  readonly definition: string;
}

const REQUESTS: Counted = {
  now: 'requests',
  before: 'previousRequests',
  title: 'Requests',
  definition: 'Rides requested from the zone.',
};
const PICK_UPS: Counted = {
  now: 'pickUps',
  before: 'previousPickUps',
  title: 'Pick-ups',
  definition: 'Pick-ups of vehicles in the zone, with street hails.',
};

/** Demand and waits in each zone, as maps and as a table; empty without zones. */
export function zonesSection(report: Report): string {
  const { zones, previous, minCount, outlines } = report;
  if (zones.length === 0) return '';
  const hasRequests = zones.some(
    ({ requests, suppressed }) => requests !== 0 || suppressed.includes('requests'),
  );
  const counted = hasRequests ? REQUESTS : PICK_UPS;
  const top = heading(
    'Zones',
    `Requests and waits are those of rides requested from the zone, pick-ups are where they were. A ride counts in every zone that contains it. Before: ${previous.name}.`,
  );
  const maps = outlines.zones.length === 0 ? '' : zoneMaps(report, counted);
  const columns = hasRequests ? [...countColumns(REQUESTS), ...RIDE_COLUMNS] : countColumns(PICK_UPS);
  const rows = zones.map((zone): Cell[] => [zone.name, ...columns.map(({ cellOf }) => cellOf(zone))]);
  return `${top}${maps}${htmlTable(['Zone', ...columns.map(({ title }) => title)], rows, minCount)}`;
}

interface Column {
  readonly title: string;
  readonly cellOf: (zone: ReportZone) => Cell;
}

function column(title: string, name: keyof ReportZone, format: (value: number) => string): Column {
  return {
    title,
    cellOf: (zone) => {
      if (zone.suppressed.includes(name)) return { isFew: true };
      const value = zone[name];
      return typeof value === 'number' ? format(value) : '–';
    },
  };
}

function countColumns(counted: Counted): Column[] {
  return [
    column(counted.title, counted.now, formatCount),
    column('Before', counted.before, formatCount),
    { title: 'Change', cellOf: (zone) => changeText(zone, counted) },
  ];
}

const RIDE_COLUMNS: readonly Column[] = [
  column('Completed', 'completed', formatCount),
  column('Cancelled', 'cancelled', formatCount),
  column('Median wait', 'medianWaitSeconds', formatDuration),
  column('Before', 'previousMedianWaitSeconds', formatDuration),
  column('90 % waited less than', 'p90WaitSeconds', formatDuration),
  column('Pick-ups', 'pickUps', formatCount),
];

function zoneMaps(report: Report, counted: Counted): string {
  const small = [waitMap(report), changeMap(report, counted)].filter((map) => map !== '');
  return `${countMap(report, counted)}${small.length === 0 ? '' : `<div class="maps wide">${small.join('')}</div>`}`;
}

/** The colour and the text of a zone on a map. */
interface Look {
  readonly className: string;
  readonly value: string;
}

function countMap(report: Report, { now, title: name, definition }: Counted): string {
  const known = valuesOf(report, now);
  const limits = shadeLimits(known);
  const title = `${name} by zone`;
  const drawn = zoneMap(report, {
    label: `${title}. ${definition}`,
    width: LARGE_WIDTH,
    lookOf: (zone) => ({
      className: shadeClass(limits, zone[now]),
      value: zone[now] === null ? 'suppressed' : formatCount(zone[now]),
    }),
  });
  return framed(title, definition, drawn, shadeKeys(known, formatCount, suppressedKey(report, now)));
}

function waitMap(report: Report): string {
  const known = valuesOf(report, 'medianWaitSeconds');
  if (known.length === 0) return '';
  const limits = shadeLimits(known);
  const title = 'Median wait by zone';
  const definition = 'Half of the riders who were picked up waited less.';
  const drawn = zoneMap(report, {
    label: `${title}. ${definition}`,
    width: SMALL_WIDTH,
    lookOf: ({ medianWaitSeconds: wait, suppressed }) => {
      if (suppressed.includes('medianWaitSeconds')) return { className: 'hidden', value: 'suppressed' };
      return { className: shadeClass(limits, wait ?? 0), value: wait === null ? '–' : formatDuration(wait) };
    },
  });
  return framed(
    title,
    definition,
    drawn,
    shadeKeys(known, formatDuration, suppressedKey(report, 'medianWaitSeconds')),
  );
}

/** Empty if no zone can be compared with the period before. */
function changeMap(report: Report, counted: Counted): string {
  if (!report.zones.some((zone) => changeOf(zone, counted) !== null)) return '';
  const title = `Change of ${counted.title.toLowerCase()} by zone`;
  const definition = `Compared with ${report.previous.name}.`;
  const drawn = zoneMap(report, {
    label: `${title}. ${definition}`,
    width: SMALL_WIDTH,
    lookOf: (zone) => {
      const change = changeOf(zone, counted);
      if (change === null) {
        const isHidden = zone.suppressed.some((name) => name === counted.now || name === counted.before);
        return isHidden ? { className: 'hidden', value: 'suppressed' } : { className: 'none', value: '–' };
      }
      return { className: changeClass(change), value: changeText(zone, counted) };
    },
  });
  const [some, many] = [SMALL_CHANGE, 3 * SMALL_CHANGE];
  const keys = [
    mapKey('fall-2', `falls by more than ${many} %`),
    mapKey('fall-1', `by ${some} to ${many} %`),
    mapKey('steady', `changes by at most ${some} %`),
    mapKey('rise-1', `rises by ${some} to ${many} %`),
    mapKey('rise-2', `by more than ${many} %`),
  ];
  return framed(title, definition, drawn, `<p class="legend">${keys.join('')}</p>`);
}

function framed(title: string, definition: string, drawn: string, keys: string): string {
  return `<div>${chartHeading(title, definition)}<figure>${drawn}${keys}</figure></div>`;
}

function zoneMap(
  { zones, outlines }: Report,
  map: { readonly label: string; readonly width: number; readonly lookOf: (zone: ReportZone) => Look },
): string {
  const byId = new Map(zones.map((zone) => [zone.id, zone]));
  const areas = outlines.zones.map(({ id, name, rings }) => {
    const zone = byId.get(id);
    const { className, value } = zone === undefined ? { className: 'none', value: '0' } : map.lookOf(zone);
    return { rings, className, title: `${name}: ${value}`, name, ...(zone !== undefined && { value }) };
  });
  return areaMap({ ...map, areas, extent: outlines.zones.flatMap(({ rings }) => rings) });
}

function valuesOf({ zones }: Report, name: Counted['now'] | 'medianWaitSeconds'): number[] {
  return zones.flatMap((zone) => {
    const value = zone[name];
    return value !== null && value > 0 ? [value] : [];
  });
}

function suppressedKey({ zones }: Report, name: string): string | null {
  return zones.some(({ suppressed }) => suppressed.includes(name)) ? 'suppressed' : null;
}

/** The change in percent; `null` if it is not known. */
function changeOf(zone: ReportZone, { now, before }: Counted): number | null {
  const [value, earlier] = [zone[now], zone[before]];
  return value === null || earlier === null || earlier === 0 ? null : ((value - earlier) / earlier) * 100;
}

function changeText(zone: ReportZone, counted: Counted): string {
  if (changeOf(zone, counted) === null) return '–';
  return formatChange(zone[counted.now]!, zone[counted.before]!, 'count');
}

function changeClass(percent: number): string {
  if (Math.abs(percent) <= SMALL_CHANGE) return 'steady';
  const size = Math.abs(percent) <= 3 * SMALL_CHANGE ? 1 : 2;
  return percent < 0 ? `fall-${size}` : `rise-${size}`;
}
