import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader } from '../encoding/byte-reader.js';
import { ByteWriter } from '../encoding/byte-writer.js';
import { NOW, PROVIDER } from '../fold/events.fixture.js';
import { LogIndex, writeChanges } from './log-index.js';

/** A record is noted some offsets after the one before, so that there are several chunks. */
const records = fc.array(
  fc.record({
    partition: fc.nat(1),
    skip: fc.nat(200),
    received: fc.nat(120_000).map((ms) => NOW - ms),
    late: fc.oneof(fc.constant(0), fc.nat(60_000)),
  }),
  { maxLength: 60 },
);

interface NotedRecord {
  readonly partition: number;
  readonly offset: number;
  readonly received: number;
  readonly event: number;
}

function withOffsets(
  of: readonly { partition: number; skip: number; received: number; late: number }[],
): NotedRecord[] {
  const next = [0, 0];
  return of.map(({ partition, skip, received, late }) => {
    const offset = next[partition]! + skip;
    next[partition] = offset + 1;
    return { partition, offset, received, event: received - late };
  });
}

function note(index: LogIndex, noted: readonly NotedRecord[]): void {
  for (const { partition, offset, received, event } of noted) {
    index.note({
      topic: 'rides',
      partition,
      offset,
      providerId: PROVIDER,
      event,
      received,
      value: Buffer.from('{}'),
    });
  }
}

function indexOf(noted: readonly NotedRecord[]): LogIndex {
  const index = new LogIndex();
  index.enable();
  note(index, noted);
  return index;
}

function viewOf(index: LogIndex) {
  const untils = Array.from({ length: 10 }, (_, n) => NOW - n * 20_000);
  const minutes = { from: NOW - 600_000, stepMs: 60_000, intervals: 11 };
  return {
    ends: index.ends(),
    chunks: untils.map((until) => [
      index.chunksUntil('event', { from: {}, until }),
      index.chunksUntil('received', { from: {}, until }),
    ]),
    between: [0, 1].map((partition) =>
      index.chunksBetween({ topic: 'rides', partition }, { from: NOW - 50_000, until: NOW - 20_000 }),
    ),
    activity: (['event', 'received'] as const).map((by) => index.activity.counts(by, minutes, null)),
  };
}

describe('LogIndex.replaceEarlier', () => {
  it('results in the index of all records, wherever the index and the earlier one begin and end', () => {
    fc.assert(
      fc.property(records, fc.nat(60), fc.nat(60), (all, one, other) => {
        const noted = withOffsets(all);
        const [start, end] = [Math.min(one, other), Math.max(one, other)];
        const index = indexOf(noted.slice(start, end));
        index.beginNext();
        note(index, noted.slice(end));
        index.replaceEarlier(indexOf(noted.slice(0, end)));
        expect(viewOf(index)).toEqual(viewOf(indexOf(noted)));
      }),
    );
  });

  it('leaves what follows the earlier index to be written', () => {
    fc.assert(
      fc.property(records, fc.nat(60), (all, end) => {
        const noted = withOffsets(all);
        const earlier = indexOf(noted.slice(0, end));
        const written = new ByteWriter();
        writeChanges(written, earlier.cut());
        const index = indexOf([]);
        index.beginNext();
        note(index, noted.slice(end));
        index.replaceEarlier(earlier);
        const later = new ByteWriter();
        writeChanges(later, index.cut());
        const read = indexOf([]);
        for (const bytes of [written, later]) read.read(new ByteReader(bytes.finish()));
        expect(viewOf(read)).toEqual(viewOf(indexOf(noted)));
      }),
    );
  });

  it('keeps copies of late events that follow the earlier index', () => {
    const index = indexOf([]);
    index.keepsLate = true;
    note(index, [{ partition: 0, offset: 0, received: NOW, event: NOW - 30_000 }]);
    index.beginNext();
    note(index, [{ partition: 0, offset: 1, received: NOW, event: NOW - 40_000 }]);
    index.replaceEarlier(indexOf([{ partition: 0, offset: 0, received: NOW, event: NOW - 30_000 }]));
    expect(index.late.map(({ time }) => time)).toEqual([NOW - 40_000]);
    expect(index.hasNext).toBe(false);
  });
});
