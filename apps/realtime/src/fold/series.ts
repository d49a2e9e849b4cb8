import assert from 'node:assert';
import type { ByteReader } from '../encoding/byte-reader.js';
import type { ByteWriter } from '../encoding/byte-writer.js';
import type { Fact } from './newest.js';

/** Units that a number is rounded to at most, usually; others are written as they are. */
const MILLISECONDS = 1;
const DEGREES = 10_000_000;
const THOUSANDTHS = 1_000;

/** The numbers before, which the next numbers of the same kind are close to. */
class Bases {
  time = 0;
  lat = 0;
  lng = 0;
}

/** Writes the facts of one vehicle or trip, as differences to each other. */
export class SeriesWriter {
  private readonly bases = new Bases();

  constructor(readonly bytes: ByteWriter) {}

  fact({ id, timestamp, lead }: Fact): void {
    this.bytes.text(id);
    this.time(timestamp);
    this.measure(lead);
  }

  time(value: number | null): void {
    this.bases.time = this.bytes.number(value, { base: this.bases.time, parts: MILLISECONDS });
  }

  place({ lat, lng }: { readonly lat: number; readonly lng: number }): void {
    this.bases.lat = this.bytes.number(lat, { base: this.bases.lat, parts: DEGREES });
    this.bases.lng = this.bytes.number(lng, { base: this.bases.lng, parts: DEGREES });
  }

  /** A speed, a heading or another small number. */
  measure(value: number | null): void {
    this.bytes.number(value, { base: 0, parts: THOUSANDTHS });
  }

  texts(values: readonly string[]): void {
    this.bytes.count(values.length);
    for (const value of values) this.bytes.repeatedText(value);
  }
}

/** Shared: most telemetry has no trips. */
const NO_TEXTS: readonly never[] = [];

/** Reads what {@link SeriesWriter} has written. */
export class SeriesReader {
  private readonly bases = new Bases();

  constructor(readonly bytes: ByteReader) {}

  fact(): Fact {
    return { id: this.bytes.text(), timestamp: this.knownTime(), lead: this.measure() ?? 0 };
  }

  time(): number | null {
    const time = this.bytes.number({ base: this.bases.time, parts: MILLISECONDS });
    this.bases.time = this.bytes.base;
    return time;
  }

  /** A time that was not `null`. */
  knownTime(): number {
    const time = this.time();
    assert.ok(time !== null, 'the time is known');
    return time;
  }

  place(): { readonly lat: number; readonly lng: number } {
    const lat = this.bytes.number({ base: this.bases.lat, parts: DEGREES });
    this.bases.lat = this.bytes.base;
    const lng = this.bytes.number({ base: this.bases.lng, parts: DEGREES });
    this.bases.lng = this.bytes.base;
    assert.ok(lat !== null && lng !== null, 'the place is known');
    return { lat, lng };
  }

  measure(): number | null {
    return this.bytes.number({ base: 0, parts: THOUSANDTHS });
  }

  texts<T extends string>(): readonly T[] {
    const count = this.bytes.count();
    if (count === 0) return NO_TEXTS;
    const texts: T[] = [];
    for (let index = 0; index < count; index += 1) texts.push(this.bytes.repeatedText() as T);
    return texts;
  }
}
