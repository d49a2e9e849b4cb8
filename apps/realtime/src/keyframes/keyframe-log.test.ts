import { describe, expect, it } from 'vitest';
import { discontinuity, recordsAfter, type PresentLog } from './keyframe-log.js';
import type { KeyframeHeader } from '../archive/keyframe.js';

const header: KeyframeHeader = {
  clusterId: 'cluster',
  topics: { rides: { topicId: 'one', offsets: { 0: '12', 1: '5' } } },
  since: null,
  writtenAt: 0,
  latest: { event: null, received: null },
  packs: [],
};

function log(
  change: { clusterId?: string; topicId?: string; offsets?: [earliest: bigint, latest: bigint][] } = {},
): PresentLog {
  const {
    clusterId = 'cluster',
    topicId = 'one',
    offsets = [
      [3n, 20n],
      [5n, 5n],
    ],
  } = change;
  return {
    identities: new Map([['rides', { clusterId, topicId }]]),
    offsets: new Map([
      ['rides', new Map(offsets.map(([earliest, latest], partition) => [partition, { earliest, latest }]))],
    ]),
  };
}

describe(discontinuity, () => {
  it('is null if the log has every record that follows', () => {
    expect(discontinuity(header, log())).toBe(null);
  });

  it.each([
    ['another cluster', log({ clusterId: 'other' }), /of cluster cluster, the log is of other/],
    ['a recreated topic', log({ topicId: 'two' }), /rides was recreated: its id is two, it was one/],
    [
      'deleted records',
      log({
        offsets: [
          [13n, 20n],
          [5n, 5n],
        ],
      }),
      /rides-0 was deleted up to offset 13/,
    ],
    [
      'a lost end',
      log({
        offsets: [
          [0n, 20n],
          [0n, 4n],
        ],
      }),
      /rides-1 ends at offset 4, before its position 5/,
    ],
    [
      'another topic',
      { ...log(), identities: new Map([['more', { clusterId: 'cluster', topicId: 'one' }]]) },
      /no positions of more/,
    ],
  ])('reports %s', (_, present, reason) => {
    expect(discontinuity(header, present)).toMatch(reason);
  });

  it('is null for a partition that was added, unless its first records were deleted', () => {
    expect(
      discontinuity(
        header,
        log({
          offsets: [
            [0n, 12n],
            [0n, 5n],
            [0n, 9n],
          ],
        }),
      ),
    ).toBe(null);
    expect(
      discontinuity(
        header,
        log({
          offsets: [
            [0n, 12n],
            [0n, 5n],
            [1n, 9n],
          ],
        }),
      ),
    ).toMatch(/rides-2/);
  });
});

describe(recordsAfter, () => {
  it('counts the records of all partitions', () => {
    expect(
      recordsAfter(
        header,
        log({
          offsets: [
            [0n, 20n],
            [0n, 6n],
            [0n, 4n],
          ],
        }),
      ),
    ).toBe(13n);
  });
});
