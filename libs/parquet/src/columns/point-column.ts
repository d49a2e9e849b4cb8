import { elementOf, type Column, type ValueRange } from './column.js';
import type { NumberColumn } from './number-column.js';

const WKB_LITTLE_ENDIAN = 1;
const WKB_POINT = 1;
const WKB_BYTES = 21;
const LENGTH_BYTES = 4;

/**
 * Points in WKB, of the columns with their coordinates.
 *
 * @see OGC 06-103r4, section 8.2: byte order uint8 · type uint32 · x double · y double
 */
export class PointColumn implements Column {
  readonly element;
  readonly fixedSizeBytes = WKB_BYTES;

  constructor(
    name: string,
    private readonly coordinates: { readonly lat: NumberColumn; readonly lng: NumberColumn },
  ) {
    this.element = elementOf(name, 'BYTE_ARRAY');
  }

  has(row: number): boolean {
    return this.coordinates.lat.has(row) && this.coordinates.lng.has(row);
  }

  keyOf(row: number): string {
    const { lat, lng } = this.coordinates;
    return `${numberKey(lat.valueOf(row))} ${numberKey(lng.valueOf(row))}`;
  }

  sizeOf(): number {
    return WKB_BYTES;
  }

  dictionarySizeOf(): number {
    return WKB_BYTES;
  }

  plain(rows: Uint32Array): Uint8Array {
    const bytes = Buffer.allocUnsafeSlow(rows.length * (LENGTH_BYTES + WKB_BYTES));
    const view = new DataView(bytes.buffer);
    let position = 0;
    for (const row of rows) {
      view.setUint32(position, WKB_BYTES, true);
      this.writePoint(view, position + LENGTH_BYTES, row);
      position += LENGTH_BYTES + WKB_BYTES;
    }
    return bytes;
  }

  rangeOf(rows: Uint32Array): ValueRange | undefined {
    if (rows.length === 0) return undefined;
    const [min, max, next] = [
      new Uint8Array(WKB_BYTES),
      new Uint8Array(WKB_BYTES),
      new Uint8Array(WKB_BYTES),
    ];
    const view = new DataView(next.buffer);
    min.fill(0xff);
    for (const row of rows) {
      this.writePoint(view, 0, row);
      if (compare(next, min) < 0) min.set(next);
      if (compare(next, max) > 0) max.set(next);
    }
    return { min, max };
  }

  private writePoint(view: DataView, position: number, row: number): void {
    view.setUint8(position, WKB_LITTLE_ENDIAN);
    view.setUint32(position + 1, WKB_POINT, true);
    view.setFloat64(position + 5, this.coordinates.lng.valueOf(row), true);
    view.setFloat64(position + 13, this.coordinates.lat.valueOf(row), true);
  }
}

/** Zeros with different signs have different bytes. */
function numberKey(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

function compare(left: Uint8Array, right: Uint8Array): number {
  for (let index = 0; index < left.length; index += 1) {
    const difference = left[index]! - right[index]!;
    if (difference !== 0) return difference;
  }
  return 0;
}
