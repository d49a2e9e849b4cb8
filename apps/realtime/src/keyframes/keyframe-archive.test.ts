import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LateEvent } from '../late-events/late-event.js';
import { LogIndex } from '../log/log-index.js';
import { KeyframeArchive } from './keyframe-archive.js';
import type { KeyframeHeader } from './keyframe.js';

const CITY = Buffer.alloc(1_000);

function headerAt(offset: number): KeyframeHeader {
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
    const write = (offset: number, late: readonly LateEvent[] = []) =>
      archive.write(headerAt(offset), CITY, { ...index.cut(), late });
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
});
