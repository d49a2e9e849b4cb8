import type { MapRing, Report, ReportCell, ReportZone } from '@hailstream/events/reports';
import { type ReactNode, useState } from 'react';
import { Segments } from '../controls/segments.js';
import { useDashboard } from '../dashboard.js';
import { formatCount, formatDateTime, formatDuration, formatPlace, UNKNOWN } from '../format.js';
import { locale } from '../locale/locale.js';
import { t } from '../locale/text.js';
import { busiestMoment, extentOf } from './busiest-moment.js';
import { ReportMap } from './report-map.js';
import { percentChange } from './report-words.js';

const BUSIEST_CELLS = 8;

const oneDecimal = (value: number): string => locale.get().oneDecimal.format(value);
const duration = (seconds: number): string => formatDuration(seconds * 1_000);

/** What a map of zones or cells may show, and how it is written. */
const measures = {
  zones: [
    ['requests', formatCount],
    ['pickUps', formatCount],
    ['unmet', formatCount],
    ['medianWaitSeconds', duration],
  ],
  cells: [
    ['requests', formatCount],
    ['pickUps', formatCount],
    ['unmet', formatCount],
    ['availableHours', oneDecimal],
    ['positions', formatCount],
  ],
} as const;

type AreaKind = keyof typeof measures;
type Measure = (typeof measures)[AreaKind][number][0];

/** Zones and cells on a map and in a table. Each opens the map of the city, where and when most was requested. */
export function PlacesSection({ report }: { report: Report }) {
  const { cells, zones, outlines } = report;
  const [chosenKind, setKind] = useState<AreaKind>('zones');
  const [chosen, setMeasure] = useState<Measure>('requests');
  const openPlace = useOpenPlace(report);
  const kind = outlines.zones.length === 0 ? 'cells' : chosenKind;
  const offered = offeredMeasures(report, kind);
  const shown = offered.find(([name]) => name === chosen) ?? offered[0] ?? measures[kind][0];
  if (cells.length === 0) return null;
  const [measure, format] = shown;
  return (
    <section aria-labelledby="report-places">
      <h3 id="report-places">{t('reports.places')}</h3>
      <p className="reports-note">
        {t('reports.openPlace', { time: formatDateTime(isoOf(busiestMoment(report))) })}
      </p>
      <div className="reports-choices">
        {outlines.zones.length > 0 && (
          <Segments
            label={t('reports.areas')}
            value={kind}
            options={[
              ['zones', t('reports.areas.zones')],
              ['cells', t('reports.areas.cells')],
            ]}
            onChange={setKind}
          />
        )}
        <Segments<Measure>
          label={t('reports.mapMeasure')}
          value={measure}
          options={offered.map(([name]) => [name, t(`reports.measure.${name}`)] as const)}
          onChange={setMeasure}
        />
      </div>
      <ReportMap
        label={t('reports.mapLabel', { measure: t(`reports.measure.${measure}`) })}
        areas={
          kind === 'zones'
            ? zoneAreas(report, measure as keyof ReportZone)
            : cellAreas(report, measure as keyof ReportCell)
        }
        outlines={kind === 'zones' ? [] : outlines.zones.map(({ rings }) => rings)}
        format={format}
        onOpen={openPlace}
      />
      {zones.length > 0 ? (
        <ZonesTable report={report} onOpen={openPlace} />
      ) : (
        <CellsTable report={report} onOpen={openPlace} />
      )}
    </section>
  );
}

/** The measures of which any area has a value. */
function offeredMeasures({ zones, cells }: Report, kind: AreaKind) {
  const rows: readonly object[] = kind === 'zones' ? zones : cells;
  return measures[kind].filter(([name]) =>
    rows.some((row) => ((row as Readonly<Record<string, number | null>>)[name] ?? 0) > 0),
  );
}

function isoOf(atMs: number): string {
  return new Date(atMs).toISOString();
}

function zoneAreas({ zones, outlines }: Report, measure: keyof ReportZone) {
  const byId = new Map(zones.map((zone) => [zone.id, zone]));
  return outlines.zones.map(({ id, name, rings }) => {
    const value = byId.get(id)?.[measure];
    return { key: id, name, rings, value: typeof value === 'number' ? value : null };
  });
}

function cellAreas({ cells, outlines }: Report, measure: keyof ReportCell) {
  return cells.map((cell, index) => {
    const value = cell[measure];
    return {
      key: cell.cell,
      name: null,
      rings: [outlines.cells[index]!],
      value: typeof value === 'number' ? value : null,
    };
  });
}

/** Shows the area on the map of the city, at the busiest moment of the period. */
function useOpenPlace(report: Report) {
  const { alerts, history, view } = useDashboard();
  return (rings: readonly MapRing[]): void => {
    history.at.set(busiestMoment(report));
    alerts.toFit.set(extentOf(rings));
    view.page.set('map');
  };
}

function ZonesTable({ report, onOpen }: { report: Report; onOpen: (rings: readonly MapRing[]) => void }) {
  const { zones, outlines } = report;
  const ringsById = new Map(outlines.zones.map(({ id, rings }) => [id, rings]));
  const columns: readonly (readonly [name: string, text: (zone: ReportZone) => string])[] = [
    [t('reports.measure.requests'), ({ requests }) => known(requests, formatCount)],
    [t('reports.previous'), ({ previousRequests }) => known(previousRequests, formatCount)],
    [t('reports.change'), ({ requests, previousRequests }) => percentChange(requests, previousRequests)],
    [t('reports.measure.pickUps'), ({ pickUps }) => known(pickUps, formatCount)],
    [t('reports.figure.completed'), ({ completed }) => known(completed, formatCount)],
    [t('reports.measure.cancelled'), ({ cancelled }) => known(cancelled, formatCount)],
    [t('reports.measure.unmet'), ({ unmet }) => known(unmet, formatCount)],
    [t('reports.measure.medianWaitSeconds'), (zone) => known(zone.medianWaitSeconds, duration)],
    [t('reports.previous'), (zone) => known(zone.previousMedianWaitSeconds, duration)],
    [t('reports.measure.p90WaitSeconds'), ({ p90WaitSeconds }) => known(p90WaitSeconds, duration)],
  ];
  return (
    <PlacesTable
      label={t('reports.areas.zones')}
      first={t('reports.zone')}
      columns={columns.map(([name]) => name)}
    >
      {zones.map((zone) => (
        <tr key={zone.id}>
          <th scope="row">
            <OpenButton onOpen={() => onOpen(ringsById.get(zone.id)!)}>{zone.name}</OpenButton>
          </th>
          {columns.map(([name, text], index) => (
            <td key={`${name} ${index}`}>{text(zone)}</td>
          ))}
        </tr>
      ))}
    </PlacesTable>
  );
}

/** The cells with the most requests, so that they can be opened with the keyboard. */
function CellsTable({ report, onOpen }: { report: Report; onOpen: (rings: readonly MapRing[]) => void }) {
  const { cells, outlines } = report;
  const busiest = cells
    .map((cell, index) => ({ ...cell, ring: outlines.cells[index]! }))
    .sort((left, right) => busyness(right) - busyness(left))
    .slice(0, BUSIEST_CELLS);
  const columns = measures.cells.map(([name]) => t(`reports.measure.${name}`));
  return (
    <PlacesTable label={t('reports.busiestCells')} first={t('reports.cell')} columns={columns}>
      {busiest.map((cell) => (
        <tr key={cell.cell}>
          <th scope="row">
            <OpenButton onOpen={() => onOpen([cell.ring])}>{middleOf(cell.ring)}</OpenButton>
          </th>
          {measures.cells.map(([name, format]) => (
            <td key={name}>{known(cell[name], format)}</td>
          ))}
        </tr>
      ))}
    </PlacesTable>
  );
}

/** Requests, or pick-ups if nothing was requested, or positions. */
function busyness({ requests, pickUps, positions }: ReportCell): number {
  return (requests ?? 0) * 1e6 + (pickUps ?? 0) * 1e3 + (positions ?? 0) / 1e3;
}

function PlacesTable(props: {
  label: string;
  first: string;
  columns: readonly string[];
  children: ReactNode;
}) {
  const { label, first, columns, children } = props;
  return (
    <div className="reports-scroll" role="region" aria-label={label} tabIndex={0}>
      <table className="list-table reports-table" data-testid="report-places">
        <thead>
          <tr>
            <th scope="col">{first}</th>
            {columns.map((name, index) => (
              <th key={`${name} ${index}`} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

function OpenButton({ onOpen, children }: { onOpen: () => void; children: ReactNode }) {
  return (
    <button type="button" className="link-button" onClick={onOpen}>
      {children}
    </button>
  );
}

function known(value: number | null, format: (value: number) => string): string {
  return value === null ? UNKNOWN : format(value);
}

function middleOf(ring: MapRing): string {
  const { west, south, east, north } = extentOf([ring]);
  return formatPlace({ lat: (south + north) / 2, lng: (west + east) / 2 });
}
