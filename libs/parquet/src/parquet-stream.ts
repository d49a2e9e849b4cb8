import { ByteWriter, type ParquetWriter } from 'hyparquet-writer';
import { columnsOf, geometriesOf, type ColumnData } from './columns/columns.js';
import { compressorIsLoaded, startFile, writeRowGroup } from './row-group.js';

/** Writes bytes at the end of a file. The bytes are borrowed until the promise resolves. */
type WriteBytes = (bytes: Uint8Array) => Promise<void>;

/**
 * Writes a file of any size, one row group at a time. In memory it has the row group that is written, and the description of
 * those before, about 200 bytes per column and row group.
 *
 * @see https://geoparquet.org/releases/v1.1.0/
 */
export class ParquetStream {
  private constructor(
    private readonly file: ParquetWriter,
    private readonly writer: ByteWriter,
    private readonly write: WriteBytes,
  ) {}

  /** @param columns the columns of the file; their rows are not written */
  static async open(columns: readonly ColumnData[], write: WriteBytes): Promise<ParquetStream> {
    await compressorIsLoaded();
    const writer = new ByteWriter();
    const file = startFile(writer, columnsOf(columns, 0), geometriesOf(columns));
    return new ParquetStream(file, writer, write);
  }

  /** Appends the rows of the columns, which must be those of the file in the same order. */
  async appendRowGroup(columns: readonly ColumnData[], rows: number): Promise<void> {
    if (rows === 0) return;
    writeRowGroup(
      this.file,
      columnsOf(columns, rows),
      Uint32Array.from({ length: rows }, (_, row) => row),
    );
    await this.flush();
  }

  /** Writes the footer. The file is complete. */
  async finish(): Promise<void> {
    void this.file.finish();
    await this.flush();
  }

  /** Offsets count from the start of the file: only the index in the buffer starts again. */
  private async flush(): Promise<void> {
    await this.write(this.writer.getBytes());
    this.writer.index = 0;
  }
}
