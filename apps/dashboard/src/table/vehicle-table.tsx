import '../lists/lists.css';
import './table.css';
import type { VehicleList, VehicleSummary } from '@hailstream/events/live';
import type { TableColumn, TableOrder } from '../address/address.js';
import { isOnMap, toDrawnState } from '../city-state/drawn-state.js';
import { vehicleKey } from '../city-state/fleet.js';
import { useDashboard } from '../dashboard.js';
import { filterQuery, hidesAll } from '../city-state/fleet-filter.js';
import { useFleetFilter } from '../filters/use-fleet-filter.js';
import { formatBattery, formatCount, formatHeading, formatSpeed, shortId } from '../format.js';
import { useMomentQuery } from '../use-moment-query.js';
import { MarkSwatch } from '../marks/mark-swatch.js';
import { useStore } from '../store.js';
import { useRequest } from '../use-request.js';
import { useRowWindow } from './row-window.js';
import { t } from '../locale/text.js';

/** How often rows are updated: slow enough to read and click them. */
const REFRESH_EVERY_MS = 1_000;

/** Rows are requested in multiples of this, so that few scroll positions need another request. */
const PAGE_ROWS = 50;

/** The columns, and what the service sorts them by. Contact is by the time of the last event. */
const columns: readonly { readonly name: TableColumn; readonly sort: string }[] = [
  { name: 'device', sort: 'short_id' },
  { name: 'provider', sort: 'provider_id' },
  { name: 'state', sort: 'vehicle_state' },
  { name: 'contact', sort: 'heard_at' },
  { name: 'battery', sort: 'battery_percent' },
  { name: 'speed', sort: 'speed' },
  { name: 'heading', sort: 'heading' },
  { name: 'lat', sort: 'lat' },
  { name: 'lng', sort: 'lng' },
];

/**
 * All vehicles of the city as a table, wherever the map is: sorted and paged by the service. `onShowMap` tries the map again
 * if it could not be drawn; `null` if the user chose the table.
 */
export function VehicleTable({ onShowMap }: { onShowMap: (() => void) | null }) {
  const { view } = useDashboard();
  const order = useStore(view.tableOrder);
  const { scroller, total, rows, before, after, failure } = useVehicleRows(order);
  return (
    <section className="list-view table-view" aria-label={t('table.label')}>
      <p className="table-caption" id="table-caption">
        {onShowMap !== null && (
          <>
            {t('table.noWebGl')}{' '}
            <button type="button" className="link-button" onClick={onShowMap}>
              {t('table.retry')}
            </button>
            .{' '}
          </>
        )}
        <TableCount total={total} failure={failure} />
      </p>
      <div
        className="list-rows table-scroller"
        ref={scroller}
        tabIndex={0}
        role="region"
        aria-labelledby="table-caption"
      >
        <table aria-rowcount={(total ?? 0) + 1} data-testid="vehicle-table">
          <thead>
            <tr aria-rowindex={1}>
              {columns.map(({ name }) => (
                <th
                  key={name}
                  scope="col"
                  aria-sort={order.column === name ? order.direction : undefined}
                  className={`column-${name}`}
                >
                  <button type="button" onClick={() => view.tableOrder.set(nextOrder(order, name))}>
                    {t(`table.${name}`)}
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            <tr className="table-spacer" style={{ height: before }} aria-hidden="true" />
            {rows.map(({ index, vehicle }) => (
              <VehicleTableRow
                key={vehicle === undefined ? index : keyOf(vehicle)}
                vehicle={vehicle}
                rowIndex={index + 2}
              />
            ))}
            <tr className="table-spacer" style={{ height: after }} aria-hidden="true" />
          </tbody>
        </table>
      </div>
    </section>
  );
}

function TableCount({ total, failure }: { total: number | null; failure: string | null }) {
  const filter = useFleetFilter();
  const isFiltered = String(filterQuery(filter)) !== '';
  if (failure !== null) return <>{t('table.failed', { reason: failure })}</>;
  if (total === null) return <>{t('table.loading')}</>;
  return (
    <span data-testid="table-count">
      {t(isFiltered ? 'table.matching' : 'table.all', { count: formatCount(total) })}
    </span>
  );
}

/** The other direction of the same column, or the first one of another. */
function nextOrder(order: TableOrder, column: TableColumn): TableOrder {
  const turned = order.direction === 'ascending' ? 'descending' : 'ascending';
  return { column, direction: order.column === column ? turned : 'ascending' };
}

/** The rows to render: those that were not received yet have no vehicle. */
function useVehicleRows(order: TableOrder) {
  const chosen = useFleetFilter();
  const moment = useMomentQuery();
  const filter = filterQuery(chosen);
  // The number of rows is known from the response, which depends on the rows to request.
  const { scroller, windowOf } = useRowWindow();
  const offset = Math.floor(windowOf(Number.POSITIVE_INFINITY).first / PAGE_ROWS) * PAGE_ROWS;
  const last = Math.ceil(windowOf(Number.POSITIVE_INFINITY).last / PAGE_ROWS) * PAGE_ROWS;
  const { sort } = columns.find(({ name }) => name === order.column)!;
  filter.set('sort', `${order.direction === 'descending' ? '-' : ''}${sort}`);
  filter.set('offset', String(offset));
  filter.set('limit', String(last - offset));
  const isEmpty = hidesAll(chosen);
  const { body, failure } = useRequest<VehicleList>(
    isEmpty ? null : `/vehicles?${filter}${moment}`,
    REFRESH_EVERY_MS,
  );
  const total = isEmpty ? 0 : (body?.total ?? null);
  const { first, last: end, before, after } = windowOf(total ?? 0);
  const rows = Array.from({ length: end - first }, (_, at) => {
    const index = first + at;
    return { index, vehicle: body?.vehicles[index - body.offset] };
  });
  return { scroller, total, rows, before, after, failure };
}

function keyOf({ device_id: deviceId, provider_id: providerId }: VehicleSummary): string {
  return vehicleKey({ deviceId, providerId });
}

function VehicleTableRow({ vehicle, rowIndex }: { vehicle: VehicleSummary | undefined; rowIndex: number }) {
  const { city, theme } = useDashboard();
  const painted = useStore(theme.theme);
  if (vehicle === undefined) {
    return (
      <tr aria-rowindex={rowIndex}>
        <td colSpan={columns.length}>…</td>
      </tr>
    );
  }
  const { device_id: deviceId, provider_id: providerId, contact, location } = vehicle;
  const state = toDrawnState(vehicle.vehicle_state);
  return (
    <tr aria-rowindex={rowIndex} data-contact={contact}>
      <th scope="row" className="column-device">
        <button
          type="button"
          className="link-button"
          title={t('table.title', { device: deviceId, provider: providerId })}
          onClick={() => city.select({ deviceId, providerId })}
        >
          {shortId(deviceId)}
        </button>
      </th>
      <td className="column-provider" title={providerId}>
        {shortId(providerId)}
      </td>
      <td className="column-state">
        <span className="table-state">
          {isOnMap(state) && <MarkSwatch state={state} theme={painted} size={18} />}
          {t(`state.${state}`)}
        </span>
      </td>
      <td className="column-contact">{t(`contact.${contact}`)}</td>
      <td className="column-battery">{formatBattery(vehicle.battery_percent)}</td>
      <td className="column-speed">{formatSpeed(location?.speed ?? null)}</td>
      <td className="column-heading">{formatHeading(location?.heading ?? null)}</td>
      <td className="column-lat">{location?.lat.toFixed(5)}</td>
      <td className="column-lng">{location?.lng.toFixed(5)}</td>
    </tr>
  );
}
