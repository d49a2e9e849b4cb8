import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { id } from '../fold/events.fixture.js';
import { TripFacts } from '../fold/trip.js';
import { TripPacker, type TripPack } from '../fold/trip-pack.js';
import { TripPackCache } from './trip-pack-cache.js';

function packOf(n: number): TripPack {
  const packer = new TripPacker();
  const trip = new TripFacts(id(n));
  trip.foldReport(n);
  packer.add(trip);
  return packer.finish();
}

it('keeps the packs that were used last, up to a size', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hailstream-packs-'));
  try {
    const packs = [packOf(1), packOf(2), packOf(3)];
    const [one, two, three] = packs.map((pack) => pack.id) as [string, string, string];
    for (const pack of packs) await writeFile(join(folder, `trips-${pack.id}`), pack.bytes);
    const cache = new TripPackCache(packs[0]!.bytes.length * 2);
    const read = async (...ids: string[]) => [...(await cache.read(folder, ids)).keys()];
    expect(await read(one, two)).toEqual([one, two]);
    expect(await read(one)).toEqual([one]);
    expect(await read(three)).toEqual([three]);
    for (const each of [one, two, three]) await rm(join(folder, `trips-${each}`));
    // The second one was used before the others.
    expect(await read(one, three)).toEqual([one, three]);
    await expect(read(two)).rejects.toThrow(/missing/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
