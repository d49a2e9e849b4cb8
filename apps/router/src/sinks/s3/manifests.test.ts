import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeManifest,
  hourName,
  hoursOf,
  parseBlockManifest,
  parseHourManifest,
  withBlock,
  type BlockManifest,
  type HourManifest,
} from './manifests.js';

const HOUR_MS = 3_600_000;
const EIGHT = Date.UTC(2026, 2, 1, 8);
const HOURS = [EIGHT - HOUR_MS, EIGHT, EIGHT + HOUR_MS];

/** A block of 10 offsets, with an object for each of the given hours and a late one that has records of all. */
function block(partition: number, index: number, hours: readonly number[]): BlockManifest {
  const [from, to] = [String(index * 10), String(index * 10 + 10)];
  const object = (name: string, of: readonly number[]) => ({
    key: `${name}-${partition}-${from}`,
    records: of.length,
    sizeBytes: 100,
    sha256: 'ab'.repeat(32),
    hours: Object.fromEntries(of.map((hourMs) => [hourName(hourMs), 1])),
  });
  const objects = [...hours.map((hourMs) => object(hourName(hourMs), [hourMs])), object('late', hours)];
  const counts = { read: 10, filtered: 0, deadLettered: 0, lostOffsets: 0 };
  return { version: 1, clusterId: 'c', topicId: 't', topic: 'a', partition, from, to, ...counts, objects };
}

const blocks = fc.uniqueArray(
  fc
    .tuple(fc.nat(3), fc.nat(200), fc.subarray(HOURS, { minLength: 1 }))
    .map(([partition, index, hours]) => block(partition, index, hours)),
  { minLength: 1, maxLength: 12, selector: ({ partition, from }) => `${partition}/${from}` },
);

function hourOf(of: readonly BlockManifest[]): HourManifest | undefined {
  return of.reduce<HourManifest | undefined>((manifest, each) => withBlock(manifest, each, EIGHT), undefined);
}

describe(withBlock, () => {
  it('gives the same manifest in whichever order, and however often, blocks are added', () => {
    const orders = blocks.chain((some) =>
      fc.tuple(
        fc.constant(some),
        fc.shuffledSubarray([...some, ...some], { minLength: some.length * 2, maxLength: some.length * 2 }),
      ),
    );
    fc.assert(
      fc.property(orders, ([some, again]) => {
        expect(encodeManifest(hourOf(again)!)).toEqual(encodeManifest(hourOf(some)!));
      }),
    );
  });

  it('lists the objects of the hour by partition and offset, with the sum of their records', () => {
    const manifest = hourOf([
      block(1, 2, [EIGHT]),
      block(0, 11, HOURS),
      block(0, 9, [EIGHT]),
      block(0, 1, [HOURS[0]!]),
    ])!;
    expect(manifest.objects.map(({ partition, from }) => `${partition}/${from}`)).toEqual([
      '0/90',
      '0/90',
      '0/110',
      '0/110',
      '1/20',
      '1/20',
    ]);
    expect(manifest).toMatchObject({ topic: 'a', hour: '2026-03-01T08:00:00.000Z', records: 6 });
    expect(manifest.objects.map(({ objectRecords }) => objectRecords)).toEqual([1, 1, 1, 3, 1, 1]);
  });

  it('returns the same manifest if it has the block already', () => {
    const manifest = hourOf([block(0, 0, HOURS)]);
    expect(withBlock(manifest, block(0, 0, HOURS), EIGHT)).toBe(manifest);
  });
});

describe('manifests', () => {
  it('are parsed to what was encoded', () => {
    fc.assert(
      fc.property(blocks, (some) => {
        for (const each of some) expect(parseBlockManifest('b', encodeManifest(each))).toEqual(each);
        const hour = hourOf(some)!;
        expect(parseHourManifest('h', encodeManifest(hour))).toEqual(hour);
      }),
    );
  });

  it('name the hours of a block in order', () => {
    expect(hoursOf(block(0, 0, HOURS.toReversed()))).toEqual(HOURS);
  });

  it.each(['', 'not JSON', '[]', '{"version":2}'])('are refused if their bytes are %j', (text) => {
    const refused = expect.objectContaining({ code: 'INVALID_OBJECT', retryable: false }) as Error;
    expect(() => parseBlockManifest('b', Buffer.from(text))).toThrow(refused);
    expect(() => parseHourManifest('h', Buffer.from(text))).toThrow(refused);
  });
});
