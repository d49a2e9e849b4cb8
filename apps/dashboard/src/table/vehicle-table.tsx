import './table.css';
import { useEffect, useState } from 'react';
import { isOnMap } from '../city-state/drawn-state.js';
import { vehicleKey, type Vehicle } from '../city-state/fleet.js';
import { useDashboard } from '../dashboard.js';
import { formatCount, formatHeading, formatSpeed, inWords, shortId } from '../format.js';
import { marks } from '../marks/marks.js';
import { MarkSwatch } from '../marks/mark-swatch.js';
import { useStore } from '../store.js';
import { nextOrder, sortVehicles, type TableColumn, type TableOrder } from './sort-vehicles.js';
import { useRowWindow } from './row-window.js';

/** How often rows are updated: slow enough to read and click them. */
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

/** The viewport if there is no map to define one. */
const WHOLE_WORLD = { west: -180, south: -90, east: 180, north: 90 } as const;

/**
 * The vehicles on the map as a table. `onShowMap` tries the map again if it could not be drawn; `null` if the user chose the
 * table.
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
    <section className="table-view" aria-label="Table of vehicles">
      <p className="table-caption" id="table-caption">
        {onShowMap !== null && (
          <>
            The map is not available because this browser has no WebGL. Showing the table instead.{' '}
            <button type="button" className="link-button" onClick={onShowMap}>
              Retry the map
            </button>
            .{' '}
          </>
        )}
        {formatCount(vehicles.length)} vehicles, updated every second.
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
          title={`Device ${deviceId}, provider ${providerId}`}
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

/** The vehicles in the states that are shown, read once a second. */
function useVehicles(): Vehicle[] {
  const { city } = useDashboard();
  const hidden = useStore(city.hidden);
  const { fleet, tick } = useStore(city.shown);
  const hasTick = useStore(tick) !== null;
  const read = () =>
    Array.from({ length: fleet.size }, (_, slot) => fleet.vehicleAt(slot)).filter(
      ({ state }) => isOnMap(state) && !hidden.has(state),
    );
  const [vehicles, setVehicles] = useState(read);
  useEffect(() => {
    setVehicles(read());
    const timer = setInterval(() => setVehicles(read()), REFRESH_EVERY_MS);
    return () => clearInterval(timer);
    // `read` is a new function in every render; its dependencies are listed.
  }, [fleet, hidden, hasTick]);
  return vehicles;
}
