import { splitFields, withoutByteOrderMark } from '../files/csv-line.js';
import type { FileWarning } from '../files/read-text.js';
import { MAX_LINE_CHARS, readLines, TraceError, type Line } from '../trace/read-lines.js';
import { SkippedRow } from './imported-trip.js';
import { importers, type Importer } from './importers.js';
import type { Layout, RowReader } from './layout.js';
import { TripCollection, type CollectedTrips } from './trip-collection.js';
import type { ZonePositions } from './zone-positions.js';

/** Maximum number of lines above the header, or above the first valid row of a layout without a header. */
const MAX_LINES_ABOVE_ROWS = 10;

/** Receives the progress of reading. */
export interface TripReadObserver {
  readonly warning: FileWarning;
  /** Called with the number of lines read. */
  read(lineCount: number): void;
  skipped(lineNumber: number, row: SkippedRow): void;
}

/** A file that was read to the end. */
export interface TripFile extends CollectedTrips {
  readonly layout: Layout;
  /** Number of lines, without headers and empty ones. */
  readonly rows: number;
  /** Whether positions are only known to be somewhere in the city. */
  readonly hasCityPositionsOnly: boolean;
}

/**
 * Reads a file of trips, plain or gzip. The importer recognizes its layout.
 *
 * @throws TraceError if the file cannot be read or has another layout
 */
export async function readTrips(options: {
  path: string;
  importer: Importer;
  zones: ZonePositions | undefined;
  nowMs: number;
  observer: TripReadObserver;
  signal: AbortSignal;
}): Promise<TripFile> {
  const { path, observer, nowMs, signal } = options;
  const reading = new TripReading(options);
  let lineCount = 0;
  for await (const lines of readLines(path, observer.warning)) {
    for (const line of lines) reading.addLine(line);
    lineCount += lines.length;
    observer.read(lineCount);
    if (signal.aborted) break;
  }
  return { ...reading.collection.finish(nowMs), ...reading.finish() };
}

class TripReading {
  readonly collection: TripCollection;
  private readonly above: { line: Line; fields: readonly string[] | undefined }[] = [];
  private found: { layout: Layout; reader: RowReader } | undefined;
  private rows = 0;

  constructor(
    private readonly options: {
      path: string;
      importer: Importer;
      zones: ZonePositions | undefined;
      observer: TripReadObserver;
    },
  ) {
    this.collection = new TripCollection(options.path);
  }

  addLine(line: Line): void {
    const text = line.number === 1 ? withoutByteOrderMark(line.text) : line.text;
    if (text.trim() === '') return;
    const fields = line.cut ? undefined : splitFields(text);
    const recognized = fields && this.recognize(fields, this.options.importer);
    if (this.found === undefined) {
      if (recognized === undefined) {
        this.above.push({ line, fields });
        if (this.above.length > MAX_LINES_ABOVE_ROWS) throw this.notRecognized();
        return;
      }
      this.found = recognized;
      for (const each of this.above) this.skip(each.line.number, new SkippedRow('broken line'));
      if (recognized.reader.isHeader) return;
    } else if (recognized?.reader.isHeader === true) {
      // Concatenated files have a header each.
      this.found = recognized;
      return;
    }
    this.addRow(line, fields);
  }

  /** @throws TraceError if no line was recognized */
  finish(): Omit<TripFile, keyof CollectedTrips> {
    if (this.found === undefined) throw this.notRecognized();
    const { layout, reader } = this.found;
    return { layout, rows: this.rows, hasCityPositionsOnly: reader.hasCityPositionsOnly };
  }

  private addRow(line: Line, fields: readonly string[] | undefined): void {
    const { reader } = this.found!;
    if (fields === undefined) {
      const detail = line.cut ? `longer than ${MAX_LINE_CHARS} characters` : 'unterminated quote';
      this.skip(line.number, new SkippedRow('broken line', detail));
      return;
    }
    if (fields.length !== reader.fieldCount) {
      const detail = `${fields.length}, expected ${reader.fieldCount}`;
      this.skip(line.number, new SkippedRow('wrong number of fields', detail));
      return;
    }
    const read = reader.read(fields);
    const skipped = read instanceof SkippedRow ? read : this.collection.add(read);
    if (skipped === undefined) this.rows += 1;
    else this.skip(line.number, skipped);
  }

  private skip(lineNumber: number, row: SkippedRow): void {
    this.rows += 1;
    this.collection.countSkipped(row.reason);
    this.options.observer.skipped(lineNumber, row);
  }

  private recognize(fields: readonly string[], { layouts }: Importer): typeof this.found {
    for (const layout of layouts) {
      const reader = layout.recognize(fields, this.options.zones);
      if (reader !== undefined) return { layout, reader };
    }
    return undefined;
  }

  private notRecognized(): TraceError {
    const { path, importer } = this.options;
    for (const { fields } of this.above) {
      const other = importers.find((each) => fields && this.recognize(fields, each) !== undefined);
      if (other !== undefined) return new TraceError(`${path}: the file is of the importer ${other.name}`);
    }
    const [first] = this.above;
    if (first === undefined) return new TraceError(`${path}: the file is empty`);
    const expected = importer.layouts.map(({ columns }) => columns).join(' or ');
    const found = JSON.stringify(first.line.text.slice(0, 80));
    return new TraceError(`${path}: expected the columns ${expected}; found ${found}`);
  }
}
