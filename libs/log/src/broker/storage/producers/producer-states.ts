import { ErrorCode, ProtocolError } from '../../../protocol/error-codes.js';
import type { Marker } from '../../../protocol/markers.js';
import type { BatchHeader } from '../../../protocol/record-batch.js';
import { crc32c } from '../../../protocol/crc32c.js';

/** Batches of a producer in which duplicates are detected. Clients have at most as many requests in flight. */
const REMEMBERED_BATCHES = 5;
/**
 * Maximum number of producers. The least recently active one without an open transaction is forgotten first: its next
 * batch is accepted with any sequence, like that of an unknown producer.
 */
const MAX_PRODUCERS = 10_000;
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
  /** Oldest first, at most `REMEMBERED_BATCHES`; empty if only a control batch has the epoch. */
  readonly batches: readonly RememberedBatch[];
  /** Time of the last append, by the clock of the broker. */
  readonly seenAtMs: number;
  /** First offset of its open transaction. */
  readonly transactionStart: bigint | undefined;
  /** Epoch of the coordinator that ended its last transaction; -1 if none. */
  readonly coordinatorEpoch: number;
}

/** The state of a producer before a batch, to restore if the append fails. */
export interface Undo {
  readonly producerId: bigint;
  readonly before: ProducerState | undefined;
}

/** Result of the check of a batch. */
type SequenceVerdict = { kind: 'append' } | { kind: 'duplicate'; batch: RememberedBatch };

/**
 * The states of the idempotent producers of a partition, by producer id: they detect duplicates, gaps in the sequence and
 * open transactions. Batches that wait to be written are included.
 */
export class ProducerStates {
  /** The least recently active producer is the first. */
  private states = new Map<bigint, ProducerState>();

  constructor(private readonly maxProducers = MAX_PRODUCERS) {}

  get count(): number {
    return this.states.size;
  }

  /**
   * Checks epoch and sequence of a batch. Control batches have no sequence.
   *
   * @throws ProtocolError `INVALID_PRODUCER_EPOCH`, `OUT_OF_ORDER_SEQUENCE_NUMBER`, `INVALID_TXN_STATE`
   */
  check(header: BatchHeader): SequenceVerdict {
    const state = this.states.get(header.producerId);
    if (state === undefined) return { kind: 'append' };
    if (header.producerEpoch < state.epoch) {
      throw new ProtocolError(
        ErrorCode.INVALID_PRODUCER_EPOCH,
        `epoch ${header.producerEpoch} of producer ${header.producerId} is smaller than the current epoch ${state.epoch}`,
      );
    }
    if (header.control || header.baseSequence < 0) return { kind: 'append' };
    const batch = duplicateOf(header, state);
    if (batch !== undefined) return { kind: 'duplicate', batch };
    const expected = header.producerEpoch > state.epoch ? 0 : nextSequence(state);
    if (header.baseSequence !== expected) {
      throw new ProtocolError(
        ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
        `out of order sequence number for producer ${header.producerId}: expected ${expected}, got ${header.baseSequence}`,
      );
    }
    if (state.transactionStart !== undefined && !header.transactional) {
      throw new ProtocolError(
        ErrorCode.INVALID_TXN_STATE,
        `batch of producer ${header.producerId} is not part of its open transaction`,
      );
    }
    return { kind: 'append' };
  }

  /** Whether the producer has an open transaction with this epoch. */
  hasOpenTransaction(producerId: bigint, epoch: number): boolean {
    const state = this.states.get(producerId);
    return state !== undefined && state.transactionStart !== undefined && state.epoch === epoch;
  }

  /** Open transactions, in no order. */
  open(): { producerId: bigint; firstOffset: bigint }[] {
    return [...this.states].flatMap(([producerId, { transactionStart }]) =>
      transactionStart === undefined ? [] : [{ producerId, firstOffset: transactionStart }],
    );
  }

  /**
   * Adds a batch at `baseOffset`; a control batch with its marker.
   *
   * @returns the argument for `forget` if the append fails
   */
  remember(header: BatchHeader, baseOffset: bigint, nowMs: number, marker?: Marker): Undo {
    const { producerId } = header;
    const before = this.states.get(producerId);
    this.states.delete(producerId);
    this.states.set(producerId, stateAfter(before, header, { baseOffset, nowMs, marker }));
    if (this.states.size > this.maxProducers) this.forgetLeastActive();
    return { producerId, before };
  }

  private forgetLeastActive(): void {
    for (const [producerId, { transactionStart }] of this.states) {
      if (transactionStart !== undefined) continue;
      this.states.delete(producerId);
      return;
    }
  }

  /** Removes the last batch of a producer, whose append failed. */
  forget(undo: Undo): void {
    revert(this.states, undo);
  }

  /** Whether a batch is the last one of its producer, from which recovery restores its sequence. */
  isLast({ producerId, producerEpoch, lastOffset }: BatchHeader): boolean {
    const state = this.states.get(producerId);
    return state?.epoch === producerEpoch && state.batches.at(-1)?.lastOffset === lastOffset;
  }

  /** Removes producers without an open transaction that have not appended since. */
  forgetUnseenSince(timeMs: number): void {
    for (const [producerId, { seenAtMs, transactionStart }] of this.states) {
      if (seenAtMs < timeMs && transactionStart === undefined) this.states.delete(producerId);
    }
  }

  clear(): void {
    this.states.clear();
  }

  /** The states for `DescribeProducers` and tests; -1 if a value does not exist. */
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

  /** Encodes the states for `restore`. @param without changes to leave out, newest first */
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

  /** Replaces the states. @returns false, without a change, if the snapshot is damaged */
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

/** The state of a producer after a batch. */
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

/** The expected sequence. An epoch that only a marker has starts at 0. */
function nextSequence(state: ProducerState): number {
  const last = state.batches.at(-1);
  return last === undefined ? 0 : (last.lastSequence + 1) % SEQUENCES;
}

function lastSequenceOf(header: BatchHeader): number {
  return (header.baseSequence + Number(header.lastOffset - header.baseOffset)) % SEQUENCES;
}
