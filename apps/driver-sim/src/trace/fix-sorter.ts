import { TemporaryFile } from '../files/temporary-file.js';
import { TraceError } from './read-lines.js';
import { compareRecords, MemoryRun, FileRun, Merge, RECORD_NUMBERS } from './record-runs.js';
import type { Fix } from './trace-format.js';

/** Maximum number of fixes that are sorted in memory (20 MB); larger traces use a temporary file. */
const MAX_FIXES_IN_MEMORY = 500_000;

/** Maximum number of cabs of a trace, which are kept in memory. */
const MAX_CABS = 250_000;

/** Number of fixes in a group. */
const GROUP_FIXES = 1_024;

/** A fix with the line it is on. */
export interface PlacedFix {
  readonly lineNumber: number;
  readonly fix: Fix;
}

/**
 * Sorts the fixes of a trace by time, then cab, then place, so that repeated fixes are adjacent and the order of lines has
 * no effect. Sorted runs of {@link MAX_FIXES_IN_MEMORY} fixes are written to a temporary file and merged, so memory is
 * bounded for any trace.
 */
export class FixSorter implements AsyncDisposable {
  private readonly cabs: string[] = [];
  private readonly cabNumbers = new Map<string, number>();
  private readonly records: Float64Array;
  private readonly capacity: number;
  private count = 0;
  private runs: FileRun[] = [];
  private file: TemporaryFile | undefined;

  constructor(options: { maxFixesInMemory?: number } = {}) {
    this.capacity = options.maxFixesInMemory ?? MAX_FIXES_IN_MEMORY;
    this.records = new Float64Array(this.capacity * RECORD_NUMBERS);
  }

  /** Whether {@link spill} must be called before the next fix is added. */
  get isFull(): boolean {
    return this.count === this.capacity;
  }

  /** @throws TraceError if there are too many cabs */
  add({ fix, lineNumber }: PlacedFix): void {
    const occupied = fix.occupied === undefined ? 0 : fix.occupied ? 2 : 1;
    const cab = this.cabNumber(fix.cab) * 4 + occupied;
    this.records.set([fix.timestampMs, cab, fix.lat, fix.lng, lineNumber], this.count * RECORD_NUMBERS);
    this.count += 1;
  }

  /** Writes the fixes in memory to the temporary file. @throws TraceError if writing fails */
  async spill(): Promise<void> {
    try {
      this.file ??= await TemporaryFile.create();
      const records = this.takeSorted();
      const start = await this.file.append(Buffer.from(records.buffer, 0, records.byteLength));
      this.runs.push(new FileRun(this.file, start, records.length / RECORD_NUMBERS));
    } catch (error) {
      throw new TraceError(`cannot sort the trace in a temporary file: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  /** Returns all fixes in order, in groups. No fix can be added afterwards. */
  async *sorted(): AsyncGenerator<PlacedFix[]> {
    const merge = new Merge();
    for (const run of [...this.runs, new MemoryRun(this.takeSorted())]) {
      if (await run.nextBlock()) merge.push(run);
    }
    let group: PlacedFix[] = [];
    for (let first = merge.first; first !== undefined; first = merge.first) {
      group.push(this.fixOf(first.records, first.at));
      if (group.length === GROUP_FIXES) {
        yield group;
        group = [];
      }
      // Only the first record of a block needs the file.
      merge.settle(first.step() || (await first.nextBlock()));
    }
    if (group.length > 0) yield group;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.file?.[Symbol.asyncDispose]();
  }

  private cabNumber(cab: string): number {
    const known = this.cabNumbers.get(cab);
    if (known !== undefined) return known;
    if (this.cabs.length === MAX_CABS) throw new TraceError(`the trace has more than ${MAX_CABS} cabs`);
    this.cabNumbers.set(cab, this.cabs.length);
    return this.cabs.push(cab) - 1;
  }

  private fixOf(records: Float64Array, at: number): PlacedFix {
    const cab = records[at + 1]!;
    const occupied = cab % 4;
    return {
      lineNumber: records[at + 4]!,
      fix: {
        cab: this.cabs[Math.floor(cab / 4)]!,
        timestampMs: records[at]!,
        lat: records[at + 2]!,
        lng: records[at + 3]!,
        occupied: occupied === 0 ? undefined : occupied === 2,
      },
    };
  }

  /** Removes the fixes from memory, and returns them sorted. */
  private takeSorted(): Float64Array {
    const records = this.records;
    const places = Uint32Array.from({ length: this.count }, (_none, index) => index * RECORD_NUMBERS);
    places.sort((a, b) => compareRecords(records, a, records, b));
    const sorted = new Float64Array(this.count * RECORD_NUMBERS);
    for (const [index, place] of places.entries()) {
      sorted.set(records.subarray(place, place + RECORD_NUMBERS), index * RECORD_NUMBERS);
    }
    this.count = 0;
    return sorted;
  }
}
