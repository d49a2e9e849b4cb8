import { describe, expect, it } from 'vitest';
import { Accumulator } from './accumulator.js';

interface Parcel {
  readonly name: string;
  readonly sizeBytes: number;
  settled: boolean;
}

const parcel = (name: string, sizeBytes = 10): Parcel => ({ name, sizeBytes, settled: false });
const limits = { batchBytes: 100, batchRecords: 4, requestBytes: 1_000 };
const names = (accumulator: Accumulator<Parcel>) =>
  accumulator
    .take()
    .map(
      ({ topic, partition, records }) =>
        `${topic}/${partition}: ${records.map(({ name }) => name).join(' ')}`,
    );

describe('Accumulator', () => {
  it('collects records by topic and partition, in order', () => {
    const accumulator = new Accumulator<Parcel>(limits);
    accumulator.add('a', 0, parcel('1'));
    accumulator.add('a', 1, parcel('2'));
    accumulator.add('b', 0, parcel('3'));
    accumulator.add('a', 0, parcel('4'));
    expect(names(accumulator)).toEqual(['a/0: 1 4', 'a/1: 2', 'b/0: 3']);
    expect(accumulator.isEmpty).toBe(true);
  });

  it('reports a full batch, by records or by bytes', () => {
    const byNumber = new Accumulator<Parcel>(limits);
    expect([1, 2, 3, 4].map((n) => byNumber.add('a', 0, parcel(String(n))))).toEqual([
      false,
      false,
      false,
      true,
    ]);
    const byBytes = new Accumulator<Parcel>(limits);
    expect([60, 40].map((size) => byBytes.add('a', 0, parcel('x', size)))).toEqual([false, true]);
  });

  it('takes one batch of a partition at a time; the rest stays in order', () => {
    const accumulator = new Accumulator<Parcel>(limits);
    for (let n = 1; n <= 9; n += 1) accumulator.add('a', 0, parcel(String(n)));
    expect([names(accumulator), names(accumulator), names(accumulator), names(accumulator)]).toEqual([
      ['a/0: 1 2 3 4'],
      ['a/0: 5 6 7 8'],
      ['a/0: 9'],
      [],
    ]);
  });

  it('does not exceed the bytes of a batch, except for a single larger record', () => {
    const accumulator = new Accumulator<Parcel>(limits);
    for (const [name, size] of [
      ['small', 60],
      ['next', 60],
      ['huge', 500],
      ['last', 1],
    ] as const) {
      accumulator.add('a', 0, parcel(name, size));
    }
    expect([names(accumulator), names(accumulator), names(accumulator), names(accumulator)]).toEqual([
      ['a/0: small'],
      ['a/0: next'],
      ['a/0: huge'],
      ['a/0: last'],
    ]);
  });

  it('takes partitions in turn if a request has no room for all of them', () => {
    const accumulator = new Accumulator<Parcel>({ ...limits, requestBytes: 200 });
    for (const partition of [0, 1, 2]) {
      for (const n of [1, 2]) accumulator.add('a', partition, parcel(String(n), 100));
    }
    expect([names(accumulator), names(accumulator), names(accumulator)]).toEqual([
      ['a/0: 1', 'a/1: 1'],
      ['a/2: 1', 'a/0: 2'],
      ['a/1: 2', 'a/2: 2'],
    ]);
  });

  it('drops records that have a result', () => {
    const accumulator = new Accumulator<Parcel>(limits);
    const [late, fresh] = [parcel('late'), parcel('fresh')];
    accumulator.add('a', 0, late);
    accumulator.add('a', 0, fresh);
    accumulator.add('a', 1, late);
    late.settled = true;
    expect(names(accumulator)).toEqual(['a/0: fresh']);
    accumulator.add('a', 0, late);
    accumulator.dropSettled();
    expect(accumulator.isEmpty).toBe(true);
  });
});
