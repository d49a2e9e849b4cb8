/** The physical place of a row, which does not change within a snapshot. */
export interface RowPlace {
  /** OID of the table or partition. */
  readonly table: number;
  readonly page: number;
  /** Number of the row in its page, from 1. */
  readonly row: number;
}

/** Bits per element of the bitmaps. */
const ELEMENT_BITS = 8;

/** A set of rows, as a bitmap per table: 37 bytes per page of 8 kB, however many rows and ids there are. */
export class RowMarks {
  private readonly bitmaps = new Map<number, { bits: Uint8Array; count: number }>();

  /** `maxRowsPerPage` is the maximum number of rows in a page of Postgres. */
  constructor(private readonly maxRowsPerPage: number) {}

  /** Marks a row. Returns whether it was not marked before. */
  mark(place: RowPlace): boolean {
    const bitmap = this.bitmaps.get(place.table) ?? { bits: new Uint8Array(1_024), count: 0 };
    this.bitmaps.set(place.table, bitmap);
    const { element, bit } = this.bitOf(place);
    if (element >= bitmap.bits.length) {
      const grown = new Uint8Array(Math.max(element + 1, bitmap.bits.length * 2));
      grown.set(bitmap.bits);
      bitmap.bits = grown;
    }
    if ((bitmap.bits[element]! & bit) !== 0) return false;
    bitmap.bits[element]! |= bit;
    bitmap.count += 1;
    return true;
  }

  has(place: RowPlace): boolean {
    const { element, bit } = this.bitOf(place);
    return ((this.bitmaps.get(place.table)?.bits[element] ?? 0) & bit) !== 0;
  }

  /** Returns the number of marked rows of a table. */
  countOf(table: number): number {
    return this.bitmaps.get(table)?.count ?? 0;
  }

  private bitOf({ page, row }: RowPlace): { element: number; bit: number } {
    const index = page * (this.maxRowsPerPage + 1) + row;
    // Not shifted: the index of a large table exceeds 32 bits.
    return { element: Math.floor(index / ELEMENT_BITS), bit: 1 << (index % ELEMENT_BITS) };
  }
}
