import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { id } from '../fold/events.fixture.js';
import { TripFacts } from '../fold/trip.js';
import { TripPacker, type TripPack } from '../fold/trip-pack.js';
import type { LateEvent } from '../late-events/late-event.js';
import { LogIndex } from '../log/log-index.js';
import { KeyframeArchive } from './keyframe-archive.js';
import type { KeyframeHeader } from './keyframe.js';

const CITY = Buffer.alloc(1_000);

function headerAt(offset: number): Omit<KeyframeHeader, 'packs'> {
  return {
    clusterId: 'cluster',
    topics: { rides: { topicId: 'one', offsets: { 0: String(offset) } } },
    since: null,
    writtenAt: offset,
    latest: { event: offset, received: offset },
  };
}

describe(KeyframeArchive, () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hailstream-archive-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const open = async (maxBytes = 1_000_000) => {
    const index = new LogIndex();
    index.enable();
    const archive = new KeyframeArchive(folder, maxBytes, index);
    await archive.open((error) => {
      throw error;
    });
    const write = (offset: number, late: readonly LateEvent[] = [], packs: readonly TripPack[] = []) => {
      const city = { bytes: CITY, packs: new Map(packs.map((pack) => [pack.id, pack])) };
      return archive.write(headerAt(offset), city, { ...index.cut(), late });
    };
    return { archive, write };
  };
  const offsetsIn = (archive: KeyframeArchive, upTo: number): number[] => {
    const offsets = new Set<number>();
    for (let at = upTo; at >= 0; at -= 1) {
      const header = archive.newestBefore('event', at)?.header;
      if (header !== undefined) offsets.add(header.writtenAt);
    }
    return [...offsets].toReversed();
  };
  const lateAt = (time: number): LateEvent => ({
    topic: 'rides',
    time,
    receivedAt: time + 60_000,
    value: Buffer.from(`event of ${time}`),
  });

  it('keeps keyframes at similar distances, the oldest and the newest if they exceed the maximum size', async () => {
    const { archive, write } = await open(9_500);
    // Late in the day there are many more keyframes than in the morning.
    for (let offset = 0; offset < 1_000; offset += 100) await write(offset);
    for (let offset = 1_000; offset <= 2_000; offset += 10) await write(offset);
    expect(archive.sizeBytes).toBeLessThanOrEqual(9_500);
    const offsets = offsetsIn(archive, 2_000);
    expect([offsets[0], offsets.at(-1)]).toEqual([0, 2_000]);
    const distances = offsets.slice(1).map((offset, at) => offset - offsets[at]!);
    expect(Math.max(...distances)).toBeLessThanOrEqual((2 * 2_000) / distances.length);
    await archive.close();
  });

  it('keeps the newest keyframe even if it is larger than the maximum size', async () => {
    const { archive, write } = await open(1);
    await write(1);
    await write(2);
    expect([archive.count, archive.oldest?.writtenAt]).toEqual([1, 2]);
    await archive.close();
  });

  it('has the late events that follow its keyframes, also after it was opened again', async () => {
    const first = await open();
    await first.write(1, [lateAt(5), lateAt(3)]);
    await first.write(2, [lateAt(9)]);
    await first.write(3);
    await first.archive.close();
    const { archive, write } = await open();
    await write(4, [lateAt(7)]);
    expect(archive.late.list().map(({ keyframe, earliest }) => [keyframe, earliest])).toEqual([
      [2, 9],
      [4, 7],
    ]);
    await archive.close();
  });

  /** A pack with one trip. */
  const packOf = (n: number): TripPack => {
    const packer = new TripPacker();
    const trip = new TripFacts(id(n));
    trip.foldReport(n);
    packer.add(trip);
    return packer.finish();
  };
  const packsIn = async (): Promise<string[]> =>
    (await readdir(folder)).filter((name) => name.startsWith('trips-')).sort();
  const namesOf = (...packs: readonly TripPack[]): string[] => packs.map((pack) => `trips-${pack.id}`).sort();
  const reopen = async () => {
    const damaged: string[] = [];
    const archive = new KeyframeArchive(folder, 1_000_000, new LogIndex());
    const newest = await archive.open((error) => damaged.push((error as Error).message));
    await archive.close();
    return { newest, damaged, count: archive.count };
  };
  const [first, second, third] = [packOf(1), packOf(2), packOf(3)];

  it('writes a pack once, and removes it with the last keyframe that refers to it', async () => {
    const { archive, write } = await open(3 * 1_600);
    await write(10, [], [first]);
    const bytes = await readFile(join(folder, namesOf(first)[0]!));
    await writeFile(join(folder, namesOf(first)[0]!), 'not written again');
    await write(20, [], [first, second]);
    expect(await packsIn()).toEqual(namesOf(first, second));
    expect(await readFile(join(folder, namesOf(first)[0]!), 'latin1')).toBe('not written again');
    await writeFile(join(folder, namesOf(first)[0]!), bytes);
    await archive.removeOldest(({ writtenAt }) => writtenAt < 20);
    expect(await packsIn()).toEqual(namesOf(first, second));
    await write(30, [], [second, third]);
    await archive.removeOldest(({ writtenAt }) => writtenAt < 30);
    expect(await packsIn()).toEqual(namesOf(second, third));
    await archive.close();
    const { newest } = await reopen();
    expect([...newest!.city.packs.keys()]).toEqual([second.id, third.id]);
    expect(
      [...newest!.city.packs.values()].map((pack) => [...pack.all()].map(({ tripId }) => tripId)),
    ).toEqual([[id(2)], [id(3)]]);
  });

  it('removes packs of a keyframe that was not completed', async () => {
    const { archive, write } = await open();
    await write(10, [], [first]);
    await archive.close();
    await writeFile(join(folder, namesOf(second)[0]!), second.bytes);
    await writeFile(join(folder, `${namesOf(third)[0]!}.tmp`), 'half');
    expect(await reopen()).toMatchObject({ count: 1, damaged: [] });
    expect(await readdir(folder)).not.toContain(`${namesOf(third)[0]!}.tmp`);
    expect(await packsIn()).toEqual(namesOf(first));
  });

  it.each([
    ['missing', (file: string) => rm(file), /is missing/],
    ['damaged', (file: string) => writeFile(file, Buffer.from(second.bytes).reverse()), /is damaged/],
  ])('uses an older keyframe if a pack of the newest one is %s', async (_, change, message) => {
    const { archive, write } = await open();
    await write(10, [], [first]);
    await write(20, [], [first, second]);
    await archive.close();
    await change(join(folder, namesOf(second)[0]!));
    const { newest, damaged, count } = await reopen();
    expect([newest!.header.writtenAt, count]).toEqual([10, 1]);
    expect(damaged).toEqual([expect.stringMatching(message)]);
    expect(await packsIn()).toEqual(namesOf(first));
  });

  it('removes keyframes of another version', async () => {
    const { archive, write } = await open();
    await write(10);
    await write(20);
    await archive.close();
    const files = (await readdir(folder)).filter((name) => name.endsWith('.keyframe'));
    for (const name of files) {
      const bytes = await readFile(join(folder, name));
      bytes[4]! -= 1;
      await writeFile(join(folder, name), bytes);
    }
    const { newest, damaged, count } = await reopen();
    expect([newest, count]).toEqual([null, 0]);
    expect(damaged).toEqual(files.map(() => expect.stringMatching(/has the version \d+, expected version/)));
  });

  it('drops older keyframes with a pack that is missing', async () => {
    const { archive, write } = await open();
    await write(10, [], [first]);
    await write(20, [], [second]);
    await archive.close();
    await rm(join(folder, namesOf(first)[0]!));
    expect(await reopen()).toMatchObject({ count: 1, damaged: [], newest: { header: { writtenAt: 20 } } });
  });

  it('counts packs towards the maximum size', async () => {
    const packs = Array.from({ length: 10 }, (_, n) => packOf(100 + n));
    const { archive, write } = await open(4_000);
    for (const [n, pack] of packs.entries()) await write(n, [], [pack]);
    const sizes = await Promise.all(
      (await readdir(folder))
        .filter((name) => name !== 'journal')
        .map(async (name) => (await readFile(join(folder, name))).length),
    );
    expect(sizes.reduce((sum, each) => sum + each, 0)).toBe(archive.sizeBytes);
    expect(archive.sizeBytes).toBeLessThanOrEqual(4_000);
    expect((await packsIn()).length).toBe(archive.count);
    await archive.close();
  });
});
