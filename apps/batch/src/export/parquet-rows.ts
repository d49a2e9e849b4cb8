import { BooleanColumn, NumberColumn, ParquetStream, TextColumn, type ColumnData } from '@hailstream/parquet';
import { exportedPointsOf, type ExportedColumn } from './exported-columns.js';
import { ExportError } from './export.errors.js';
import type { ExportedRow, RowWriter, RowWriterOptions } from './row-writer.js';

const ROW_GROUP_ROWS = 100_000;
/** A row group also ends once its texts have this size. */
const ROW_GROUP_TEXT_CHARS = 32 * 1024 * 1024;

/** Rows as GeoParquet, in row groups. Points are in WKB, in the columns after those of the table. */
export class ParquetRows implements RowWriter {
  private columns: readonly FilledColumn[];
  private rows = 0;
  private textChars = 0;

  private constructor(
    private readonly options: RowWriterOptions,
    private readonly stream: ParquetStream,
  ) {
    this.columns = emptyColumns(options.columns);
  }

  static async open(options: RowWriterOptions): Promise<ParquetRows> {
    const stream = await ParquetStream.open(
      dataOf(emptyColumns(options.columns), options.columns),
      options.write,
    );
    return new ParquetRows(options, stream);
  }

  /** @throws ExportError if a `bigint` exceeds 2^53 */
  async append(rows: readonly ExportedRow[]): Promise<void> {
    for (const row of rows) {
      for (const [index, column] of this.columns.entries()) {
        const value = row[index]!;
        column.push(value);
        if (typeof value === 'string') this.textChars += value.length;
      }
      this.rows += 1;
      if (this.rows >= ROW_GROUP_ROWS || this.textChars >= ROW_GROUP_TEXT_CHARS) await this.endRowGroup();
    }
  }

  async finish(): Promise<void> {
    await this.endRowGroup();
    await this.stream.finish();
  }

  private async endRowGroup(): Promise<void> {
    await this.stream.appendRowGroup(dataOf(this.columns, this.options.columns), this.rows);
    this.columns = emptyColumns(this.options.columns);
    this.rows = 0;
    this.textChars = 0;
  }
}

interface FilledColumn {
  data(): ColumnData;
  push(value: ExportedRow[number]): void;
}

function emptyColumns(columns: readonly ExportedColumn[]): FilledColumn[] {
  return columns.map(emptyColumn);
}

function emptyColumn({ name, kind }: ExportedColumn): FilledColumn {
  switch (kind) {
    case 'text':
    case 'json': {
      const column = TextColumn.empty(name, kind === 'json' ? 'JSON' : 'STRING');
      return { data: () => column.data, push: (value) => column.push(value as string | null) };
    }
    case 'time':
      return numbers(NumberColumn.empty(name, 'TIMESTAMP'));
    case 'double':
      return numbers(NumberColumn.empty(name, 'DOUBLE'));
    case 'integer':
      return numbers(NumberColumn.empty(name, 'INT32'));
    case 'bigint': {
      const column = NumberColumn.empty(name, 'INT64');
      return { data: () => column.data, push: (value) => column.push(exactNumber(value, name)) };
    }
    case 'boolean': {
      const column = BooleanColumn.empty(name);
      return { data: () => column.data, push: (value) => column.push(value as boolean | null) };
    }
  }
}

function numbers(column: NumberColumn): FilledColumn {
  return { data: () => column.data, push: (value) => column.push(value as number | null) };
}

function exactNumber(value: ExportedRow[number], name: string): number | null {
  if (value === null) return null;
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new ExportError(`${name}: expected an integer of at most 2^53, got ${value}; export as csv`);
}

function dataOf(filled: readonly FilledColumn[], columns: readonly ExportedColumn[]): ColumnData[] {
  const points = exportedPointsOf(columns).map((point) => ({ kind: 'points', ...point }) as const);
  return [...filled.map((column) => column.data()), ...points];
}
