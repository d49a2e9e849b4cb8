import type { ColumnChunk, Encoding, OffsetIndex } from 'hyparquet/src/types.js';
import { ByteWriter } from 'hyparquet-writer';
import { writePageHeader } from 'hyparquet-writer/src/datapage.js';
import { writeRleBitPackedHybrid } from 'hyparquet-writer/src/encoding.js';
import type { Column } from './columns/column.js';
import { bitsFor, dictionaryOf, type Dictionary } from './dictionary.js';

/** A page ends before the value with which it would have this size. */
const PAGE_BYTES = 1_048_576;
const INDEX_BYTES = 4;
/** Larger groups of truth values are encoded as runs. */
const MAX_PLAIN_BOOLEANS = 16;

/** Compresses the content of a page. */
type Compress = (bytes: Uint8Array) => Uint8Array;

/** What the footer of the file says of a column chunk. */
interface WrittenChunk {
  readonly chunk: ColumnChunk;
  readonly offsetIndex?: OffsetIndex;
}

/** Some rows of a column, in the order of the file. */
interface Selection {
  readonly column: Column;
  readonly rows: Uint32Array;
  /** The rows that have a value. */
  readonly present: Uint32Array;
  readonly dictionary: Dictionary | undefined;
}

/** A part of a {@link Selection}: from a row to another, and from a row with a value to another. */
interface Page {
  readonly rowStart: number;
  readonly rowEnd: number;
  readonly presentStart: number;
  readonly presentEnd: number;
}

/** Appends rows of a column to a file: a page with the dictionary, if there is one, and data pages of version 2. */
export function writeColumnChunk(
  writer: ByteWriter,
  column: Column,
  rows: Uint32Array,
  compress: Compress,
): WrittenChunk {
  const present = presentRows(column, rows);
  const dictionary = dictionaryOf(column, rows, present);
  const selection: Selection = { column, rows, present, dictionary };
  const start = writer.offset;
  let uncompressedBytes = dictionary ? writeDictionaryPage(writer, column, dictionary, compress) : 0;
  const dataStart = writer.offset;
  const encoding = encodingOf(selection);
  const locations: OffsetIndex['page_locations'] = [];
  for (const page of pagesOf(selection)) {
    const pageStart = writer.offset;
    uncompressedBytes += writeDataPage(writer, { selection, page, encoding }, compress);
    locations.push({
      offset: BigInt(pageStart),
      compressed_page_size: writer.offset - pageStart,
      first_row_index: BigInt(page.rowStart),
    });
  }
  const range = column.rangeOf(dictionary?.rows ?? present);
  const { name, type } = column.element;
  return {
    chunk: {
      file_offset: BigInt(start),
      meta_data: {
        type: type!,
        encodings: dictionary ? ['PLAIN', encoding] : [encoding],
        path_in_schema: [name],
        codec: 'ZSTD',
        num_values: BigInt(rows.length),
        total_compressed_size: BigInt(writer.offset - start),
        total_uncompressed_size: BigInt(uncompressedBytes),
        data_page_offset: BigInt(dataStart),
        ...(dictionary && { dictionary_page_offset: BigInt(start) }),
        statistics: {
          null_count: BigInt(rows.length - present.length),
          ...(range && { min_value: range.min, max_value: range.max }),
          ...(type === 'DOUBLE' && { nan_count: 0n }),
        },
        encoding_stats: [
          ...(dictionary ? [{ page_type: 'DICTIONARY_PAGE', encoding: 'PLAIN', count: 1 } as const] : []),
          { page_type: 'DATA_PAGE_V2', encoding, count: locations.length },
        ],
      },
    },
    ...(locations.length > 1 && { offsetIndex: { page_locations: locations } }),
  };
}

/** The rows in which a column has a value. */
function presentRows(column: Column, rows: Uint32Array): Uint32Array {
  if (!isNullable(column)) return rows;
  const present = new Uint32Array(rows.length);
  let count = 0;
  for (const row of rows) if (column.has(row)) present[count++] = row;
  return present.subarray(0, count);
}

function isNullable({ element }: Column): boolean {
  return element.repetition_type === 'OPTIONAL';
}

function encodingOf({ column, rows, dictionary }: Selection): Encoding {
  if (dictionary) return 'RLE_DICTIONARY';
  return column.element.type === 'BOOLEAN' && rows.length > MAX_PLAIN_BOOLEANS ? 'RLE' : 'PLAIN';
}

function pagesOf({ column, rows, present, dictionary }: Selection): Page[] {
  const fixedSizeBytes = dictionary ? INDEX_BYTES : column.fixedSizeBytes;
  const all = { rowStart: 0, rowEnd: rows.length, presentStart: 0, presentEnd: present.length };
  if (fixedSizeBytes !== undefined && fixedSizeBytes * present.length < PAGE_BYTES) return [all];
  const pages: Page[] = [];
  let [rowStart, presentStart, presentEnd, sizeBytes] = [0, 0, 0, 0];
  for (let rowEnd = 0; rowEnd < rows.length; rowEnd += 1) {
    const row = rows[rowEnd]!;
    if (!column.has(row)) continue;
    const valueBytes = fixedSizeBytes ?? column.sizeOf(row);
    sizeBytes += valueBytes;
    if (sizeBytes >= PAGE_BYTES && rowEnd > rowStart) {
      pages.push({ rowStart, rowEnd, presentStart, presentEnd });
      [rowStart, presentStart, sizeBytes] = [rowEnd, presentEnd, valueBytes];
    }
    presentEnd += 1;
  }
  pages.push({ rowStart, rowEnd: rows.length, presentStart, presentEnd });
  return pages;
}

/** @returns the size of the page before compression, in bytes */
function writeDictionaryPage(
  writer: ByteWriter,
  column: Column,
  { rows }: Dictionary,
  compress: Compress,
): number {
  const content = column.plain(rows);
  const compressed = compress(content);
  const start = writer.offset;
  writePageHeader(writer, {
    type: 'DICTIONARY_PAGE',
    uncompressed_page_size: content.length,
    compressed_page_size: compressed.length,
    dictionary_page_header: { num_values: rows.length, encoding: 'PLAIN' },
  });
  const headerBytes = writer.offset - start;
  writer.appendBytes(compressed);
  return headerBytes + content.length;
}

/** @returns the size of the page before compression, in bytes */
function writeDataPage(
  writer: ByteWriter,
  options: { readonly selection: Selection; readonly page: Page; readonly encoding: Encoding },
  compress: Compress,
): number {
  const { selection, page, encoding } = options;
  const rowCount = page.rowEnd - page.rowStart;
  const levels = new ByteWriter();
  if (isNullable(selection.column)) writeLevels(levels, selection, page);
  const content = contentOf(selection, page);
  const compressed = compress(content);
  const start = writer.offset;
  writePageHeader(writer, {
    type: 'DATA_PAGE_V2',
    uncompressed_page_size: levels.offset + content.length,
    compressed_page_size: levels.offset + compressed.length,
    data_page_header_v2: {
      num_values: rowCount,
      num_nulls: rowCount - (page.presentEnd - page.presentStart),
      num_rows: rowCount,
      encoding,
      definition_levels_byte_length: levels.offset,
      repetition_levels_byte_length: 0,
      is_compressed: true,
    },
  });
  const headerBytes = writer.offset - start;
  writer.appendBytes(levels.getBytes());
  writer.appendBytes(compressed);
  return headerBytes + levels.offset + content.length;
}

/** Writes for each row whether it has a value. */
function writeLevels(writer: ByteWriter, { column, rows, present }: Selection, page: Page): void {
  const levels = new Uint8Array(page.rowEnd - page.rowStart);
  if (present.length === rows.length) levels.fill(1);
  else
    for (let index = 0; index < levels.length; index += 1)
      levels[index] = Number(column.has(rows[page.rowStart + index]!));
  writeRleBitPackedHybrid(writer, levels, 1);
}

function contentOf(
  { column, rows, present, dictionary }: Selection,
  { presentStart, presentEnd }: Page,
): Uint8Array {
  if (dictionary) return indexContent(dictionary.indexes.subarray(presentStart, presentEnd));
  const values = present.subarray(presentStart, presentEnd);
  if (column.element.type !== 'BOOLEAN' || rows.length <= MAX_PLAIN_BOOLEANS) return column.plain(values);
  const runs = new ByteWriter();
  writeRleBitPackedHybrid(
    runs,
    Uint8Array.from(values, (row) => column.keyOf(row) as number),
    1,
  );
  const content = new ByteWriter();
  content.appendUint32(runs.offset);
  content.appendBytes(runs.getBytes());
  return content.getBytes();
}

/** Indexes are preceded by the number of their bits. */
function indexContent(indexes: Uint32Array): Uint8Array {
  let largest = 0;
  for (const index of indexes) if (index > largest) largest = index;
  const bits = bitsFor(largest);
  const content = new ByteWriter();
  content.appendUint8(bits);
  writeRleBitPackedHybrid(content, indexes, bits);
  return content.getBytes();
}
