import { ErrorCode, ProtocolError } from '../../../protocol/error-codes.js';
import type { Marker } from '../../../protocol/markers.js';
import type { BatchHeader } from '../../../protocol/record-batch.js';
import { crc32c } from '../../../protocol/crc32c.js';

/** Batches of a producer that a repeat is recognised among; clients keep at most as many in flight. */
const REMEMBERED_BATCHES = 5;
const SEQUENCES = 2 ** 31;
const SNAPSHOT_VERSION = 2;
const NO_COORDINATOR = -1;

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
  /** First offset of the transaction that it has open here. */
  readonly transactionStart: bigint | undefined;
  /** Of the last coordinator that ended one, -1 where none did. */
  readonly coordinatorEpoch: number;
}

/** A producer's state before a batch: what an append that fails puts back. */
export interface Undo {
  readonly producerId: bigint;
  readonly before: ProducerState | undefined;
}

/** What to do with a batch of an idempotent producer. */
export type SequenceVerdict = { kind: 'append' } | { kind: 'duplicate'; batch: RememberedBatch };

/**
 * What a partition knows of its idempotent producers, by producer id: enough to recognise a batch that comes twice, to
 * refuse one that comes too early, and to tell whether a transaction is open. Counts batches that wait to be written.
 */
export class ProducerStates {
  private states = new Map<bigint, ProducerState>();

  get count(): number {
    return this.states.size;
  }

  /**
   * Says whether the batch comes next. Those of the broker's own have no sequence.
   *
   * @throws ProtocolError `INVALID_PRODUCER_EPOCH`, `OUT_OF_ORDER_SEQUENCE_NUMBER`, `INVALID_TXN_STATE`
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
    if (header.control || header.baseSequence < 0) return { kind: 'append' };
    const batch = duplicateOf(header, state);
    if (batch !== undefined) return { kind: 'duplicate', batch };
    const expected = header.producerEpoch > state.epoch ? 0 : nextSequence(state);
    if (header.baseSequence !== expected) {
      throw new ProtocolError(
        ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
        `sequence ${header.baseSequence} of producer ${header.producerId}, ${expected} comes next`,
      );
    }
    if (state.transactionStart !== undefined && !header.transactional) {
      throw new ProtocolError(
        ErrorCode.INVALID_TXN_STATE,
        `producer ${header.producerId} has a transaction open, and the batch is not of it`,
      );
    }
    return { kind: 'append' };
  }

  /** Whether the producer has a transaction open here, with this epoch. */
  hasOpenTransaction(producerId: bigint, epoch: number): boolean {
    const state = this.states.get(producerId);
    return state !== undefined && state.transactionStart !== undefined && state.epoch === epoch;
  }

  /** Transactions that are open, in no order. */
  open(): { producerId: bigint; firstOffset: bigint }[] {
    return [...this.states].flatMap(([producerId, { transactionStart }]) =>
      transactionStart === undefined ? [] : [{ producerId, firstOffset: transactionStart }],
    );
  }

  /**
   * Remembers a batch that goes to `baseOffset`; a control batch with what it says.
   *
   * @returns what `forget` takes, if the append fails
   */
  remember(header: BatchHeader, baseOffset: bigint, nowMs: number, marker?: Marker): Undo {
    const { producerId } = header;
    const before = this.states.get(producerId);
    this.states.set(producerId, stateAfter(before, header, { baseOffset, nowMs, marker }));
    return { producerId, before };
  }

  /** Makes the last remembered batch of a producer unknown again. */
  forget(undo: Undo): void {
    revert(this.states, undo);
  }

  /** Whether a batch is the newest of its producer: the one that a start knows its sequence by. */
  isLast({ producerId, producerEpoch, lastOffset }: BatchHeader): boolean {
    const state = this.states.get(producerId);
    return state?.epoch === producerEpoch && state.batches.at(-1)?.lastOffset === lastOffset;
  }

  /** Forgets producers that have nothing open and appended nothing since: they start anew if they come back. */
  forgetUnseenSince(timeMs: number): void {
    for (const [producerId, { seenAtMs, transactionStart }] of this.states) {
      if (seenAtMs < timeMs && transactionStart === undefined) this.states.delete(producerId);
    }
  }

  clear(): void {
    this.states.clear();
  }

  /** What is known of every producer, for `DescribeProducers` and tests; -1 is none. */
  entries(): {
    producerId: bigint;
    epoch: number;
    lastSequence: number;
    seenAtMs: number;
    transactionStart: bigint;
    coordinatorEpoch: number;
  }[] {
    return [...this.states].map(([producerId, state]) => ({
      producerId,
      epoch: state.epoch,
      lastSequence: state.batches.at(-1)?.lastSequence ?? -1,
      seenAtMs: state.seenAtMs,
      transactionStart: state.transactionStart ?? -1n,
      coordinatorEpoch: state.coordinatorEpoch,
    }));
  }

  /** The states as bytes that `restore` reads. @param without what was remembered too early, newest first */
  snapshot(without: readonly Undo[] = []): Buffer {
    const states = new Map(this.states);
    for (const undo of without) revert(states, undo);
    const body = JSON.stringify({
      version: SNAPSHOT_VERSION,
      producers: [...states].map(
        ([id, { epoch, batches, seenAtMs, transactionStart, coordinatorEpoch }]) => ({
          id: String(id),
          epoch,
          seenAtMs,
          transactionStart: transactionStart === undefined ? null : String(transactionStart),
          coordinatorEpoch,
          batches: batches.map((batch) => [
            batch.firstSequence,
            batch.lastSequence,
            String(batch.baseOffset),
            String(batch.lastOffset),
          ]),
        }),
      ),
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
        transactionStart: string | null;
        coordinatorEpoch: number;
        batches: [number, number, string, string][];
      }[];
    };
    if (parsed.version !== SNAPSHOT_VERSION) return false;
    this.states = new Map(
      parsed.producers.map(({ id, epoch, seenAtMs, transactionStart, coordinatorEpoch, batches }) => [
        BigInt(id),
        {
          epoch,
          seenAtMs,
          transactionStart: transactionStart === null ? undefined : BigInt(transactionStart),
          coordinatorEpoch,
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

/** What is known of a producer once one batch more is. */
function stateAfter(
  before: ProducerState | undefined,
  header: BatchHeader,
  { baseOffset, nowMs, marker }: { baseOffset: bigint; nowMs: number; marker: Marker | undefined },
): ProducerState {
  const epoch = header.producerEpoch;
  const known = before !== undefined && before.epoch === epoch ? before.batches : [];
  const coordinatorEpoch = before?.coordinatorEpoch ?? NO_COORDINATOR;
  const transactionStart = before?.transactionStart;
  if (header.control) {
    if (marker === undefined)
      return { epoch, batches: known, seenAtMs: nowMs, transactionStart, coordinatorEpoch };
    return {
      epoch,
      batches: known,
      seenAtMs: nowMs,
      transactionStart: undefined,
      coordinatorEpoch: marker.coordinatorEpoch,
    };
  }
  const batch: RememberedBatch = {
    firstSequence: header.baseSequence,
    lastSequence: lastSequenceOf(header),
    baseOffset,
    lastOffset: baseOffset + (header.lastOffset - header.baseOffset),
  };
  return {
    epoch,
    batches: header.baseSequence < 0 ? known : [...known.slice(-(REMEMBERED_BATCHES - 1)), batch],
    seenAtMs: nowMs,
    transactionStart: header.transactional ? (transactionStart ?? baseOffset) : transactionStart,
    coordinatorEpoch,
  };
}

function duplicateOf(header: BatchHeader, state: ProducerState): RememberedBatch | undefined {
  if (header.producerEpoch !== state.epoch) return undefined;
  const lastSequence = lastSequenceOf(header);
  return state.batches.find(
    (known) => known.firstSequence === header.baseSequence && known.lastSequence === lastSequence,
  );
}

/** Nothing is remembered of an epoch that only a marker has had. */
function nextSequence(state: ProducerState): number {
  const last = state.batches.at(-1);
  return last === undefined ? 0 : (last.lastSequence + 1) % SEQUENCES;
}

function lastSequenceOf(header: BatchHeader): number {
  return (header.baseSequence + Number(header.lastOffset - header.baseOffset)) % SEQUENCES;
}
