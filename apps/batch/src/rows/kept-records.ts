import type { LogRecord } from '@hailstream/log';

/** What `ride.rejects` shows of a record. */
export type KeptRecord = Pick<LogRecord, 'offset' | 'key' | 'value' | 'timestampMs'>;

/** Records that are needed for longer than the log lends them: one copy of all their bytes. */
export class KeptRecords {
  private readonly bytes: Buffer;
  private readonly heads: { offset: bigint; timestampMs: number; hasKey: boolean; hasValue: boolean }[] = [];
  /** Where the key and the value of each record end. */
  private readonly ends: number[] = [];

  /** Keys, values and the array itself are borrowed only until this returns. */
  constructor(records: readonly LogRecord[]) {
    const parts: Buffer[] = [];
    let end = 0;
    for (const { offset, key, value, timestampMs } of records) {
      for (const part of [key, value]) {
        if (part !== null) parts.push(part);
        end += part?.length ?? 0;
        this.ends.push(end);
      }
      this.heads.push({ offset, timestampMs, hasKey: key !== null, hasValue: value !== null });
    }
    this.bytes = Buffer.concat(parts, end);
  }

  offsetAt(index: number): bigint {
    return this.heads[index]!.offset;
  }

  at(index: number): KeptRecord {
    const { offset, timestampMs, hasKey, hasValue } = this.heads[index]!;
    const start = this.ends[2 * index - 1] ?? 0;
    const [keyEnd, valueEnd] = [this.ends[2 * index]!, this.ends[2 * index + 1]!];
    return {
      offset,
      timestampMs,
      key: hasKey ? this.bytes.subarray(start, keyEnd) : null,
      value: hasValue ? this.bytes.subarray(keyEnd, valueEnd) : null,
    };
  }
}
