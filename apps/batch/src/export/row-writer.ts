import type { ExportedColumn } from './exported-columns.js';

/** A row: the values of the exported columns. Texts, times and numbers as {@link ExportedColumn.kind} says. */
export type ExportedRow = readonly (string | number | boolean | null)[];

/** Writes rows in a file format. */
export interface RowWriter {
  append(rows: readonly ExportedRow[]): Promise<void>;
  /** Writes what is missing. The file is complete. */
  finish(): Promise<void>;
}

/** What is written, and where to. The bytes are borrowed until the promise resolves. */
export interface RowWriterOptions {
  readonly columns: readonly ExportedColumn[];
  readonly write: (bytes: Uint8Array) => Promise<void>;
}
