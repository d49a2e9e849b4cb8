import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { id } from './events.fixture.js';
import { TripFacts } from './trip.js';
import { tripHash, TripPack, TripPacker } from './trip-pack.js';

function packOf(ids: readonly string[]): TripPack {
  const packer = new TripPacker();
  for (const [at, tripId] of ids.entries()) {
    const trip = new TripFacts(tripId);
    trip.foldReport(1_000 + at);
    packer.add(trip);
  }
  return new TripPack(packer.finish().bytes);
}

describe(TripPack, () => {
  it.each([0, 1, 2, 3, 100, 2_048])('finds each of %d trips, and no other', (count) => {
    const ids = Array.from({ length: count }, (_, n) => id(n));
    const pack = packOf(ids);
    expect(pack.count).toBe(count);
    for (const [at, tripId] of ids.entries()) {
      expect(pack.find(tripId, tripHash(tripId))).toMatchObject({ tripId, heardAt: 1_000 + at });
    }
    for (let n = count; n < count + 1_000; n += 1) expect(pack.has(id(n))).toBe(false);
    expect([...pack.all()].map(({ tripId }) => tripId)).toEqual(ids);
    if (count > 0) expect([pack.earliest, pack.latest]).toEqual([1_000, 999 + count]);
  });

  it('finds trips whose ids have the same hash', () => {
    const same = collidingIds();
    const pack = packOf(same);
    for (const tripId of same) expect(pack.find(tripId, tripHash(tripId))?.tripId).toBe(tripId);
    const [one, two] = same as [string, string];
    expect(packOf([one]).has(two)).toBe(false);
  });
});

/** Two ids with the same hash, found by search. */
function collidingIds(): string[] {
  const known = new Map<number, string>();
  for (let n = 0; n < 1_000_000; n += 1) {
    const tripId = createHash('sha256').update(String(n)).digest('hex');
    const hash = tripHash(tripId);
    const other = known.get(hash);
    if (other !== undefined) return [other, tripId];
    known.set(hash, tripId);
  }
  throw new Error('no two ids have the same hash');
}
