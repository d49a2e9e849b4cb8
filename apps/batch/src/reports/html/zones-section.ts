import { shadeLimits, type Report, type ReportZone } from '@hailstream/events/reports';
import { areaMap } from '../charts/area-map.js';
import { formatChange, formatCount, formatDuration } from '../formats.js';
import { mapKey, shadeClass, shadeKeys } from './map-section.js';
import { chartHeading, heading, htmlTable, type Cell } from './parts.js';

const LARGE_WIDTH = 900;
const SMALL_WIDTH = 420;
/** Changes up to this many percent have the lightest colour, up to three times as many the next one. */
const SMALL_CHANGE = 10;

/** Demand and waits in each zone, as maps and as a table; empty without zones. */
export function zonesSection(report: Report): string {
  const { zones, previous, minCount, outlines } = report;
  if (zones.length === 0) return '';
  const top = heading(
    'Zones',
    `Rides by the zone from which they were requested. A ride counts in every zone that contains it. Before: ${previous.name}.`,
  );
  const maps = outlines.zones.length === 0 ? '' : zoneMaps(report);
  const rows = zones.map((zone): Cell[] => {
    const cell = (key: keyof ReportZone, format: (value: number) => string): Cell => {
      if (zone.suppressed.includes(key)) return { isFew: true };
      const value = zone[key];
      return typeof value === 'number' ? format(value) : '–';
    };
    return [
      zone.name,
      cell('requests', formatCount),
      cell('previousRequests', formatCount),
      changeOf(zone) === null ? '–' : formatChange(zone.requests!, zone.previousRequests!, 'count'),
      cell('completed', formatCount),
      cell('cancelled', formatCount),
      cell('medianWaitSeconds', formatDuration),
      cell('previousMedianWaitSeconds', formatDuration),
      cell('p90WaitSeconds', formatDuration),
    ];
  });
  const columns = [
    'Zone',
    'Requests',
    'Before',
    'Change',
    'Completed',
    'Cancelled',
    'Median wait',
    'Before',
    '90 % waited less than',
  ];
  return `${top}${maps}${htmlTable(columns, rows, minCount)}`;
}

function zoneMaps(report: Report): string {
  const small = [waitMap(report), changeMap(report)].filter((map) => map !== '');
  return `${demandMap(report)}${small.length === 0 ? '' : `<div class="maps wide">${small.join('')}</div>`}`;
}

/** The colour and the text of a zone on a map. */
interface Look {
  readonly className: string;
  readonly value: string;
}

function demandMap(report: Report): string {
  const known = valuesOf(report, 'requests');
  const limits = shadeLimits(known);
  const title = 'Requests by zone';
  const definition = 'Rides requested from the zone.';
  const drawn = zoneMap(report, {
    label: `${title}. ${definition}`,
    width: LARGE_WIDTH,
    lookOf: ({ requests }) => ({
      className: shadeClass(limits, requests),
      value: requests === null ? 'suppressed' : formatCount(requests),
    }),
  });
  return framed(title, definition, drawn, shadeKeys(known, formatCount, suppressedKey(report, 'requests')));
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
function changeMap(report: Report): string {
  if (!report.zones.some((zone) => changeOf(zone) !== null)) return '';
  const title = 'Change of requests by zone';
  const definition = `Compared with ${report.previous.name}.`;
  const drawn = zoneMap(report, {
    label: `${title}. ${definition}`,
    width: SMALL_WIDTH,
    lookOf: (zone) => {
      const change = changeOf(zone);
      if (change === null) {
        const isHidden = zone.suppressed.some((name) => name === 'requests' || name === 'previousRequests');
        return isHidden ? { className: 'hidden', value: 'suppressed' } : { className: 'none', value: '–' };
      }
      const value = formatChange(zone.requests!, zone.previousRequests!, 'count');
      return { className: changeClass(change), value };
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

function valuesOf({ zones }: Report, name: 'requests' | 'medianWaitSeconds'): number[] {
  return zones.flatMap((zone) => {
    const value = zone[name];
    return value !== null && value > 0 ? [value] : [];
  });
}

function suppressedKey({ zones }: Report, name: string): string | null {
  return zones.some(({ suppressed }) => suppressed.includes(name)) ? 'suppressed' : null;
}

/** The change of the requests in percent; `null` if it is not known. */
function changeOf({ requests, previousRequests }: ReportZone): number | null {
  if (requests === null || previousRequests === null || previousRequests === 0) return null;
  return ((requests - previousRequests) / previousRequests) * 100;
}

function changeClass(percent: number): string {
  if (Math.abs(percent) <= SMALL_CHANGE) return 'steady';
  const size = Math.abs(percent) <= 3 * SMALL_CHANGE ? 1 : 2;
  return percent < 0 ? `fall-${size}` : `rise-${size}`;
}
