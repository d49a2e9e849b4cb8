import { ByteReader } from '../encoding/byte-reader.js';
import { ByteWriter } from '../encoding/byte-writer.js';
import { CityState, type ProviderFilter } from './city-state.js';
import type { FleetLimits } from './fleet.js';
import { TRIP_LIMITS, type TripLimits, type TripPacks } from './fleet-trips.js';
import { TripPack } from './trip-pack.js';

/** With these limits, nearly every trip that has ended is in a pack, and keyframes refer to many packs. */
export const MANY_PACKS: TripLimits = { ...TRIP_LIMITS, packedFrom: 1, packedUpTo: 2 };

export interface WrittenCity {
  readonly bytes: Buffer;
  readonly packs: TripPacks;
}

/** @param between called after each step of writing */
export function writeCity(city: CityState, between: () => void = () => undefined): WrittenCity {
  const bytes = new ByteWriter();
  const packs = new Map<string, TripPack>();
  for (const _ of city.write(bytes, packs)) between();
  return { bytes: bytes.finish(), packs };
}

/** The packs as another process reads them: none is decoded. */
export function reread(packs: TripPacks): TripPacks {
  return new Map(Array.from(packs, ([id, { bytes }]) => [id, new TripPack(Buffer.from(bytes))]));
}

export function readCity(
  { bytes, packs }: WrittenCity,
  limits?: Partial<FleetLimits>,
  filter: ProviderFilter = null,
): CityState {
  const city = new CityState(limits);
  const reader = new ByteReader(bytes);
  city.read(reader, reread(packs), filter);
  if (!reader.isAtEnd) throw new Error('the city has more bytes than were read');
  return city;
}
