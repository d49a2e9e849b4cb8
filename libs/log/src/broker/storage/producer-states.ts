import { ErrorCode, ProtocolError } from '../protocol/error-codes.js';
import type { BatchHeader } from '../protocol/record-batch.js';
import { crc32c } from '../protocol/crc32c.js';

/** Batches of a producer that a repeat is recognised among; clients keep at most as many in flight. */
const REMEMBERED_BATCHES = 5;
const SEQUENCES = 2 ** 31;
const SNAPSHOT_VERSION = 1;

interface RememberedBatch {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly baseOffset: bigint;
  readonly lastOffset: bigint;
}

interface ProducerState {
  readonly epoch: number;
  /** Oldest first, at most `REMEMBERED_BATCHES`; none yet after an epoch that only a control batch has. */
  readonly batches: readonly RememberedBatch[];
  /** When it last appended, by the broker's clock. */
  readonly seenAtMs: number;
}

/** A producer's state before a batch: what an append that fails puts back. */
export interface Undo {
  readonly producerId: bigint;
  readonly before: ProducerState | undefined;
}

/** What to do with a batch of an idempotent producer. */
export type SequenceVerdict = { kind: 'append' } | { kind: 'duplicate'; batch: RememberedBatch };

/**
 * What a partition knows of its idempotent producers, by producer id: enough to recognise a batch that comes twice and
 * to refuse one that comes too early.
 */
export class ProducerStates {
  private states = new Map<bigint, ProducerState>();

  get count(): number {
    return this.states.size;
  }

  /**
   * Says whether the batch comes next.
   *
   * @throws ProtocolError `INVALID_PRODUCER_EPOCH`, `OUT_OF_ORDER_SEQUENCE_NUMBER`
   */
  check(header: BatchHeader): SequenceVerdict {
    const state = this.states.get(header.producerId);
    if (state === undefined) return { kind: 'append' };
    if (header.producerEpoch < state.epoch) {
      throw new ProtocolError(
        ErrorCode.INVALID_PRODUCER_EPOCH,
        `epoch ${header.producerEpoch} of producer ${header.producerId} is older than ${state.epoch}`,
      );
    }
    const expected = header.producerEpoch > state.epoch ? 0 : nextSequence(state);
    if (header.producerEpoch === state.epoch) {
      const lastSequence = lastSequenceOf(header);
      const batch = state.batches.find(
        (known) => known.firstSequence === header.baseSequence && known.lastSequence === lastSequence,
      );
      if (batch !== undefined) return { kind: 'duplicate', batch };
    }
    if (expected !== undefined && header.baseSequence !== expected) {
      throw new ProtocolError(
        ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
        `sequence ${header.baseSequence} of producer ${header.producerId}, ${expected} comes next`,
      );
    }
    return { kind: 'append' };
  }

  /** Remembers a batch that goes to `baseOffset`. @returns what `forget` takes, if the append fails */
  remember(header: BatchHeader, baseOffset: bigint, nowMs: number): Undo {
    const { producerId } = header;
    const before = this.states.get(producerId);
    const batch: RememberedBatch = {
      firstSequence: header.baseSequence,
      lastSequence: lastSequenceOf(header),
      baseOffset,
      lastOffset: baseOffset + (header.lastOffset - header.baseOffset),
    };
    const known = before !== undefined && before.epoch === header.producerEpoch ? before.batches : [];
    const batches = [...known.slice(-(REMEMBERED_BATCHES - 1)), batch];
    this.states.set(producerId, { epoch: header.producerEpoch, batches, seenAtMs: nowMs });
    return { producerId, before };
  }

  /** Makes the last remembered batch of a producer unknown again. */
  forget(undo: Undo): void {
    revert(this.states, undo);
  }

  /** Notes the epoch that a control batch was written with: from then on older ones are refused. */
  rememberEpoch(producerId: bigint, epoch: number, nowMs: number): void {
    const before = this.states.get(producerId);
    const batches = before !== undefined && before.epoch === epoch ? before.batches : [];
    this.states.set(producerId, { epoch, batches, seenAtMs: nowMs });
  }

  /** Forgets producers that have appended nothing since: they start anew if they come back. */
  forgetUnseenSince(timeMs: number): void {
    for (const [producerId, { seenAtMs }] of this.states) {
      if (seenAtMs < timeMs) this.states.delete(producerId);
    }
  }

  clear(): void {
    this.states.clear();
  }

  /** Every producer's newest batch, for `DescribeProducers` and tests. */
  entries(): { producerId: bigint; epoch: number; lastSequence: number }[] {
    return [...this.states].map(([producerId, { epoch, batches }]) => ({
      producerId,
      epoch,
      lastSequence: batches.at(-1)?.lastSequence ?? -1,
    }));
  }

  /** The states as bytes that `restore` reads. @param without what was remembered too early, newest first */
  snapshot(without: readonly Undo[] = []): Buffer {
    const states = new Map(this.states);
    for (const undo of without) revert(states, undo);
    const body = JSON.stringify({
      version: SNAPSHOT_VERSION,
      producers: [...states].map(([id, { epoch, batches, seenAtMs }]) => ({
        id: String(id),
        epoch,
        seenAtMs,
        batches: batches.map((batch) => [
          batch.firstSequence,
          batch.lastSequence,
          String(batch.baseOffset),
          String(batch.lastOffset),
        ]),
      })),
    });
    return Buffer.from(`${crc32c(Buffer.from(body)).toString(16)}\n${body}`);
  }

  /** Replaces the states with those of a snapshot. @returns false, and changes nothing, where it is damaged */
  restore(snapshot: Buffer): boolean {
    const lineEnd = snapshot.indexOf(0x0a);
    const body = snapshot.subarray(lineEnd + 1);
    if (lineEnd < 0 || snapshot.toString('latin1', 0, lineEnd) !== crc32c(body).toString(16)) return false;
    const parsed = JSON.parse(body.toString()) as {
      version: number;
      producers: {
        id: string;
        epoch: number;
        seenAtMs: number;
        batches: [number, number, string, string][];
      }[];
    };
    if (parsed.version !== SNAPSHOT_VERSION) return false;
    this.states = new Map(
      parsed.producers.map(({ id, epoch, seenAtMs, batches }) => [
        BigInt(id),
        {
          epoch,
          seenAtMs,
          batches: batches.map(([firstSequence, lastSequence, base, last]) => ({
            firstSequence,
            lastSequence,
            baseOffset: BigInt(base),
            lastOffset: BigInt(last),
          })),
        },
      ]),
    );
    return true;
  }
}

function revert(states: Map<bigint, ProducerState>, { producerId, before }: Undo): void {
  if (before === undefined) states.delete(producerId);
  else states.set(producerId, before);
}

function nextSequence(state: ProducerState): number | undefined {
  const last = state.batches.at(-1);
  return last === undefined ? undefined : (last.lastSequence + 1) % SEQUENCES;
}

function lastSequenceOf(header: BatchHeader): number {
  return (header.baseSequence + Number(header.lastOffset - header.baseOffset)) % SEQUENCES;
}
