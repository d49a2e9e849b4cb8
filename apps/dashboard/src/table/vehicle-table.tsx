import './table.css';
import { useEffect, useState } from 'react';
import { isOnMap } from '../city-state/drawn-state.js';
import type { Vehicle } from '../city-state/fleet.js';
import { vehicleKey } from '../city-state/vehicle-ref.js';
import { useDashboard } from '../dashboard.js';
import { formatCount, formatHeading, formatSpeed, inWords, shortId } from '../format.js';
import { marks } from '../marks/marks.js';
import { MarkSwatch } from '../marks/mark-swatch.js';
import { useStore } from '../store.js';
import { nextOrder, sortVehicles, type TableColumn, type TableOrder } from './sort-vehicles.js';
import { useRowWindow } from './row-window.js';

/** Rows stay put this long, so that one can be read and clicked. */
const REFRESH_EVERY_MS = 1_000;

const headings: Readonly<Record<TableColumn, string>> = {
  deviceId: 'Vehicle',
  state: 'State',
  contact: 'Contact',
  speed: 'Speed',
  heading: 'Heading',
  lat: 'Latitude',
  lng: 'Longitude',
};
const columns = Object.keys(headings) as TableColumn[];

/** Everything, where there is no map that says what is looked at. */
const WHOLE_WORLD = { west: -180, south: -90, east: 180, north: 90 } as const;

/**
 * The same vehicles as on the map, in rows. `onShowMap` tries the map again if it could not be drawn; `null` if the table
 * was asked for.
 */
export function VehicleTable({ onShowMap }: { onShowMap: (() => void) | null }) {
  const isFallback = onShowMap !== null;
  const { city } = useDashboard();
  const [order, setOrder] = useState<TableOrder>({ column: 'deviceId', direction: 'ascending' });
  const vehicles = sortVehicles(useVehicles(), order);
  const { scroller, first, last, before, after } = useRowWindow(vehicles.length);
  useEffect(() => {
    if (isFallback) city.viewport.set(WHOLE_WORLD);
  }, [city, isFallback]);
  return (
    <section className="table-view" aria-label="Vehicles">
      <p className="table-caption" id="table-caption">
        {onShowMap !== null && (
          <>
            This browser cannot draw the map now (WebGL is not available), so there is a table instead.{' '}
            <button type="button" className="link-button" onClick={onShowMap}>
              Try the map again
            </button>
            .{' '}
          </>
        )}
        {formatCount(vehicles.length)} vehicles, as of the last second.
      </p>
      <div
        className="table-scroller"
        ref={scroller}
        tabIndex={0}
        role="region"
        aria-labelledby="table-caption"
      >
        <table aria-rowcount={vehicles.length + 1} data-testid="vehicle-table">
          <thead>
            <tr aria-rowindex={1}>
              {columns.map((column) => (
                <th
                  key={column}
                  scope="col"
                  aria-sort={order.column === column ? order.direction : undefined}
                  className={`column-${column}`}
                >
                  <button type="button" onClick={() => setOrder(nextOrder(order, column))}>
                    {headings[column]}
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            <tr className="table-spacer" style={{ height: before }} aria-hidden="true" />
            {vehicles.slice(first, last).map((vehicle, index) => (
              <VehicleTableRow key={vehicleKey(vehicle)} vehicle={vehicle} rowIndex={first + index + 2} />
            ))}
            <tr className="table-spacer" style={{ height: after }} aria-hidden="true" />
          </tbody>
        </table>
      </div>
    </section>
  );
}

function VehicleTableRow({ vehicle, rowIndex }: { vehicle: Vehicle; rowIndex: number }) {
  const { city, theme } = useDashboard();
  const painted = useStore(theme.theme);
  const { deviceId, providerId, state, contact } = vehicle;
  return (
    <tr aria-rowindex={rowIndex} data-contact={contact}>
      <th scope="row">
        <button
          type="button"
          className="link-button"
          title={`${deviceId}, of the provider ${providerId}`}
          onClick={() => city.select({ deviceId, providerId })}
        >
          {shortId(deviceId)}
        </button>
      </th>
      <td>
        <span className="table-state">
          {isOnMap(state) && <MarkSwatch state={state} theme={painted} size={18} />}
          {isOnMap(state) ? marks[state].label : inWords(state)}
        </span>
      </td>
      <td>{contact}</td>
      <td>{formatSpeed(vehicle.speed)}</td>
      <td>{formatHeading(vehicle.heading)}</td>
      <td>{vehicle.lat.toFixed(5)}</td>
      <td>{vehicle.lng.toFixed(5)}</td>
    </tr>
  );
}

/** The vehicles of the states that are shown, taken anew once a second. */
function useVehicles(): Vehicle[] {
  const { city } = useDashboard();
  const hidden = useStore(city.hidden);
  const hasTick = useStore(city.tick) !== null;
  const read = () =>
    Array.from({ length: city.fleet.size }, (_, slot) => city.fleet.vehicleAt(slot)).filter(
      ({ state }) => isOnMap(state) && !hidden.has(state),
    );
  const [vehicles, setVehicles] = useState(read);
  useEffect(() => {
    setVehicles(read());
    const timer = setInterval(() => setVehicles(read()), REFRESH_EVERY_MS);
    return () => clearInterval(timer);
    // `read` is new with every render; what it depends on is listed.
  }, [city, hidden, hasTick]);
  return vehicles;
}
