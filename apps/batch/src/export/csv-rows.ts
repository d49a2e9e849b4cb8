import { csvLine } from '../output/csv.js';
import type { ExportedRow, RowWriter, RowWriterOptions } from './row-writer.js';

/** Rows as CSV (RFC 4180) with a header. Times are ISO 8601 in UTC. NULL is an empty field, an empty text is `""`. */
export class CsvRows implements RowWriter {
  private constructor(private readonly options: RowWriterOptions) {}

  static async open(options: RowWriterOptions): Promise<CsvRows> {
    await options.write(Buffer.from(csvLine(options.columns.map(({ name }) => name))));
    return new CsvRows(options);
  }

  async append(rows: readonly ExportedRow[]): Promise<void> {
    const { columns, write } = this.options;
    const lines = rows.map((row) =>
      csvLine(
        row.map((value, index) =>
          value !== null && columns[index]!.kind === 'time' ? new Date(value as number).toISOString() : value,
        ),
      ),
    );
    await write(Buffer.from(lines.join('')));
  }

  async finish(): Promise<void> {}
}
