import { chicagoTrips } from './chicago-trips.js';
import type { Layout } from './layout.js';
import { nycRideEvents } from './nyc-ride-events.js';
import { nycTripRecords } from './nyc-trip-records.js';

/** A kind of files that can be imported. */
export interface Importer {
  readonly name: string;
  /** The layouts that it recognizes, by the first lines of a file. */
  readonly layouts: readonly Layout[];
}

/** All importers. Another kind of files is another entry. */
export const importers: readonly Importer[] = [
  { name: 'nyc-taxi', layouts: [nycRideEvents, nycTripRecords] },
  { name: 'chicago-taxi', layouts: [chicagoTrips] },
];
