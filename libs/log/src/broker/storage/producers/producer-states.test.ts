import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../protocol/error-codes.js';
import type { BatchHeader } from '../../../protocol/record-batch.js';
import { ProducerStates } from './producer-states.js';

const NOW = 1000;
const batch = (baseSequence: number, count = 1, producerEpoch = 0): BatchHeader => ({
  baseOffset: 0n,
  lastOffset: BigInt(count - 1),
  sizeBytes: 100,
  attributes: 0,
  baseTimestamp: 0n,
  maxTimestamp: 0n,
  producerId: 7n,
  producerEpoch,
  baseSequence,
  count,
  transactional: false,
  control: false,
});

describe(ProducerStates, () => {
  it('accepts any sequence of an unknown producer', () => {
    expect(new ProducerStates().check(batch(42))).toEqual({ kind: 'append' });
  });

  it('detects duplicates of the last five batches', () => {
    const states = new ProducerStates();
    for (let i = 0; i < 7; i++) states.remember(batch(i * 10, 10), BigInt(100 + i * 10), NOW);
    for (let i = 2; i < 7; i++) {
      expect(states.check(batch(i * 10, 10))).toMatchObject({
        kind: 'duplicate',
        batch: { baseOffset: BigInt(100 + i * 10) },
      });
    }
    expect(() => states.check(batch(10, 10))).toThrow(
      expect.objectContaining({ code: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER }),
    );
  });

  it('rejects a gap, an old epoch, and a new epoch that does not start at 0', () => {
    const states = new ProducerStates();
    states.remember(batch(0, 5, 3), 0n, NOW);
    const code = (header: BatchHeader) => {
      try {
        return states.check(header).kind;
      } catch (error) {
        return (error as { code: number }).code;
      }
    };
    expect(code(batch(5, 1, 3))).toBe('append');
    expect(code(batch(6, 1, 3))).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    expect(code(batch(5, 1, 2))).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
    expect(code(batch(5, 1, 4))).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    expect(code(batch(0, 1, 4))).toBe('append');
  });

  it('continues at 0 after the largest sequence', () => {
    const states = new ProducerStates();
    states.remember(batch(2 ** 31 - 2, 2), 0n, NOW);
    expect(states.check(batch(0))).toEqual({ kind: 'append' });
    states.remember(batch(2 ** 31 - 1, 3), 2n, NOW);
    expect(states.check(batch(2))).toEqual({ kind: 'append' });
  });

  it('reverts a batch whose append failed', () => {
    const states = new ProducerStates();
    states.remember(batch(0), 0n, NOW);
    const undo = states.remember(batch(1), 1n, NOW);
    states.forget(undo);
    expect(states.check(batch(1))).toEqual({ kind: 'append' });
  });

  it('restores a snapshot without the batches that were not written', () => {
    const states = new ProducerStates();
    states.remember(batch(0), 10n, NOW);
    const waiting = states.remember(batch(1), 11n, NOW);
    const restored = new ProducerStates();
    expect(restored.restore(states.snapshot([waiting]))).toBe(true);
    expect(restored.check(batch(0))).toMatchObject({ kind: 'duplicate', batch: { baseOffset: 10n } });
    expect(restored.check(batch(1))).toEqual({ kind: 'append' });
    expect(states.check(batch(1))).toMatchObject({ kind: 'duplicate' });
  });

  it('forgets the least recently active producer without an open transaction above the limit', () => {
    const states = new ProducerStates(3);
    const of = (producerId: bigint, transactional = false) => ({ ...batch(0), producerId, transactional });
    states.remember(of(1n, true), 0n, NOW);
    states.remember(of(2n), 1n, NOW);
    states.remember(of(3n), 2n, NOW);
    states.remember({ ...of(2n), baseSequence: 1 }, 3n, NOW);
    states.remember(of(4n), 4n, NOW);
    expect(states.entries().map(({ producerId }) => producerId)).toEqual([1n, 2n, 4n]);
  });

  it('rejects a damaged snapshot', () => {
    const states = new ProducerStates();
    states.remember(batch(0), 10n, NOW);
    const snapshot = states.snapshot();
    for (let at = 0; at < snapshot.length; at++) {
      const damaged = Buffer.from(snapshot);
      damaged[at] = (damaged[at] as number) ^ 1;
      expect(new ProducerStates().restore(damaged)).toBe(false);
    }
  });
});
