import { latLngToCell } from 'h3-js';
import { BooleanColumn, type BooleanData } from './boolean-column.js';
import type { Column } from './column.js';
import { NumberColumn, type NumberData } from './number-column.js';
import { OffsetColumn, type OffsetData } from './offset-column.js';
import { PointColumn } from './point-column.js';
import { TextColumn, type TextData } from './text-column.js';

/** Cells of about 0.1 km², as in Postgres. */
const H3_RESOLUTION = 9;

/** Points in WKB, or H3 cells, of the columns of numbers with these names. */
interface LocationData {
  readonly kind: 'points' | 'cells';
  readonly name: string;
  readonly lat: string;
  readonly lng: string;
}

/** A column in the form in which threads exchange it. */
export type ColumnData = NumberData | TextData | BooleanData | OffsetData | LocationData;

/** Columns with these data, which they borrow. Those of locations are computed from their coordinates. */
export function columnsOf(data: readonly ColumnData[], rows: number): readonly Column[] {
  const numbers = new Map<string, NumberColumn>();
  return data.map((column): Column => {
    switch (column.kind) {
      case 'numbers': {
        const created = new NumberColumn(column);
        numbers.set(column.name, created);
        return created;
      }
      case 'texts':
        return new TextColumn(column);
      case 'booleans':
        return new BooleanColumn(column);
      case 'offsets':
        return new OffsetColumn(column);
      case 'points':
      case 'cells': {
        const coordinates = { lat: numbers.get(column.lat)!, lng: numbers.get(column.lng)! };
        if (column.kind === 'points') return new PointColumn(column.name, coordinates);
        return cellColumn(column.name, coordinates, rows);
      }
    }
  });
}

/** The names of the columns with points. */
export function geometriesOf(data: readonly ColumnData[]): string[] {
  return data.filter(({ kind }) => kind === 'points').map(({ name }) => name);
}

/** The buffers of columns. */
export function buffersOf(data: readonly ColumnData[]): ArrayBuffer[] {
  return data.flatMap((column) => {
    switch (column.kind) {
      case 'texts':
        return [column.texts, column.encoded, column.ends, column.sizes].map(({ buffer }) => buffer);
      case 'numbers':
      case 'booleans':
      case 'offsets':
        return [column.values.buffer];
      case 'points':
      case 'cells':
        return [];
    }
  });
}

function cellColumn(
  name: string,
  { lat, lng }: { readonly lat: NumberColumn; readonly lng: NumberColumn },
  rows: number,
): TextColumn {
  const cells = TextColumn.empty(name, 'STRING');
  for (let row = 0; row < rows; row += 1) {
    const hasLocation = lat.has(row) && lng.has(row);
    cells.push(hasLocation ? latLngToCell(lat.valueOf(row), lng.valueOf(row), H3_RESOLUTION) : null);
  }
  return cells;
}
