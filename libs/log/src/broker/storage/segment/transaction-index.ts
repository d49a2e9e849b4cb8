import { EntryBuffer, lastNotAfter } from './entry-buffer.js';
import type { AbortedTransaction } from '../producers/open-transactions.js';

/*
 * Kafka's index of aborted transactions, held in memory in the format of the file, in the order of the markers:
 *
 *   .txnindex   version int16 · producerId int64 · firstOffset int64 · lastOffset int64 · lastStableOffset int64
 */
const ENTRY_BYTES = 34;
const VERSION = 0;
const PRODUCER_ID_AT = 2;
const FIRST_OFFSET_AT = 10;
const LAST_OFFSET_AT = 18;
const LAST_STABLE_OFFSET_AT = 26;

/** The transactions with their abort marker in a segment. They may have begun in an earlier segment. */
export class TransactionIndex extends EntryBuffer {
  constructor(contents?: Buffer) {
    super(ENTRY_BYTES, contents);
  }

  /** @returns undefined if the bytes are not a valid index of a segment with this base offset */
  static parse(contents: Buffer, baseOffset: bigint): TransactionIndex | undefined {
    if (contents.length % ENTRY_BYTES !== 0) return undefined;
    const index = new TransactionIndex(contents);
    let previous = baseOffset - 1n;
    for (const { firstOffset, lastOffset, lastStableOffset } of index.all()) {
      if (lastOffset <= previous || firstOffset < 0n || firstOffset >= lastOffset) return undefined;
      if (lastStableOffset < 0n || lastStableOffset > lastOffset + 1n) return undefined;
      previous = lastOffset;
    }
    return index;
  }

  append({ producerId, firstOffset, lastOffset, lastStableOffset }: AbortedTransaction): void {
    const { buffer, at } = this.next();
    buffer.writeInt16BE(VERSION, at);
    buffer.writeBigInt64BE(producerId, at + PRODUCER_ID_AT);
    buffer.writeBigInt64BE(firstOffset, at + FIRST_OFFSET_AT);
    buffer.writeBigInt64BE(lastOffset, at + LAST_OFFSET_AT);
    buffer.writeBigInt64BE(lastStableOffset, at + LAST_STABLE_OFFSET_AT);
  }

  /**
   * Collects the transactions with records from `from` to before `to`.
   *
   * @returns true if later segments have no more of them
   */
  collect(from: bigint, to: bigint, into: AbortedTransaction[]): boolean {
    for (let i = this.firstEndingAt(from); i < this.count; i++) {
      const transaction = this.at(i);
      if (transaction.firstOffset < to) into.push(transaction);
      if (transaction.lastStableOffset >= to) return true;
    }
    return false;
  }

  all(): AbortedTransaction[] {
    return Array.from({ length: this.count }, (_, i) => this.at(i));
  }

  /** Index of the first transaction with its marker at or after `offset`. */
  private firstEndingAt(offset: bigint): number {
    return lastNotAfter(this.count, (i) => this.at(i).lastOffset >= offset) + 1;
  }

  private at(index: number): AbortedTransaction {
    const { buffer, at } = this.entry(index);
    return {
      producerId: buffer.readBigInt64BE(at + PRODUCER_ID_AT),
      firstOffset: buffer.readBigInt64BE(at + FIRST_OFFSET_AT),
      lastOffset: buffer.readBigInt64BE(at + LAST_OFFSET_AT),
      lastStableOffset: buffer.readBigInt64BE(at + LAST_STABLE_OFFSET_AT),
    };
  }
}
