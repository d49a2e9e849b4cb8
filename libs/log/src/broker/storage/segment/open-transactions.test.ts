import { describe, expect, it } from 'vitest';
import { OpenTransactions } from '../producers/open-transactions.js';
import { TransactionIndex } from './transaction-index.js';

const COMMIT = { outcome: 'commit', coordinatorEpoch: 0 } as const;
const ABORT = { outcome: 'abort', coordinatorEpoch: 0 } as const;

function at(producerId: bigint, baseOffset: bigint, lastOffset = baseOffset) {
  return { producerId, baseOffset, lastOffset };
}

describe('OpenTransactions', () => {
  it('returns the first offset of the oldest open transaction, for any order of their ends', () => {
    const open = new OpenTransactions();
    expect(open.firstOffset).toBeUndefined();
    open.note(at(1n, 10n, 12n), undefined);
    open.note(at(2n, 13n), undefined);
    open.note(at(1n, 14n), undefined);
    expect(open.firstOffset).toBe(10n);
    expect(open.note(at(2n, 15n), COMMIT)).toBeUndefined();
    expect(open.firstOffset).toBe(10n);
    expect(open.note(at(1n, 16n), ABORT)).toEqual({
      producerId: 1n,
      firstOffset: 10n,
      lastOffset: 16n,
      lastStableOffset: 17n,
    });
    expect(open.firstOffset).toBeUndefined();
  });

  it('returns the last stable offset with an aborted transaction', () => {
    const open = new OpenTransactions();
    open.note(at(1n, 10n), undefined);
    open.note(at(2n, 11n), undefined);
    expect(open.note(at(1n, 12n), ABORT)?.lastStableOffset).toBe(11n);
  });

  it('ignores a marker of a producer without an open transaction', () => {
    const open = new OpenTransactions();
    expect(open.note(at(1n, 5n), ABORT)).toBeUndefined();
  });

  it('is restored in the order of first offsets', () => {
    const open = new OpenTransactions();
    open.restore([
      { producerId: 1n, firstOffset: 20n },
      { producerId: 2n, firstOffset: 10n },
    ]);
    expect(open.firstOffset).toBe(10n);
    open.note(at(2n, 30n), COMMIT);
    expect(open.firstOffset).toBe(20n);
  });
});

describe('TransactionIndex', () => {
  const first = { producerId: 1n, firstOffset: 10n, lastOffset: 20n, lastStableOffset: 12n };
  const second = { producerId: 2n, firstOffset: 12n, lastOffset: 30n, lastStableOffset: 31n };
  const indexOf = (...entries: (typeof first)[]) => {
    const index = new TransactionIndex();
    for (const entry of entries) index.append(entry);
    return index;
  };

  it("has Kafka's bytes", () => {
    expect(indexOf(first).unpersisted().bytes.toString('hex')).toBe(
      ['0000', '0000000000000001', '000000000000000a', '0000000000000014', '000000000000000c'].join(''),
    );
  });

  it('is parsed unless it cannot belong to its segment', () => {
    const bytes = Buffer.from(indexOf(first, second).unpersisted().bytes);
    expect(TransactionIndex.parse(bytes, 0n)?.all()).toEqual([first, second]);
    expect(TransactionIndex.parse(bytes.subarray(1), 0n)).toBeUndefined();
    expect(TransactionIndex.parse(bytes, 21n)).toBeUndefined();
    const reversed = Buffer.from(indexOf(second, first).unpersisted().bytes);
    expect(TransactionIndex.parse(reversed, 0n)).toBeUndefined();
  });

  it.each([
    [0n, 10n, [], true],
    [0n, 11n, [first], true],
    [0n, 13n, [first, second], true],
    [20n, 40n, [first, second], false],
    [21n, 40n, [second], false],
    [31n, 40n, [], false],
  ] as const)('finds aborted transactions from offset %i to before %i', (from, to, expected, done) => {
    const found: (typeof first)[] = [];
    expect(indexOf(first, second).collect(from, to, found)).toBe(done);
    expect(found).toEqual(expected);
  });
});
