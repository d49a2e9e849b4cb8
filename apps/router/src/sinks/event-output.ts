const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const CLOSING_BRACE = 0x7d;
const OPENING_BRACE = 0x7b;
const COMMA = 0x2c;

/** UTF-8 has at most three bytes for each code unit of a string. */
const BYTES_PER_UNIT = 3;

/**
 * Collects texts and events in one growing buffer. The bytes of events are copied as they are in the log, so they are not
 * serialized again, and their numbers keep all digits.
 */
export class EventOutput {
  private buffer: Buffer;
  private length = 0;

  /** @param sizeBytes the expected size */
  constructor(sizeBytes: number) {
    this.buffer = Buffer.allocUnsafe(sizeBytes);
  }

  text(text: string): void {
    this.reserveText(text);
    this.length += this.buffer.write(text, this.length);
  }

  /** Writes a JSON object unchanged. */
  event(value: Buffer): void {
    this.reserve(value.length);
    this.length += value.copy(this.buffer, this.length);
  }

  /** Writes a JSON object in one line, with `fields` (JSON without braces, not empty) after its own, and a line feed. */
  line(value: Buffer, fields: string): void {
    const event = inOneLine(value);
    const end = lastBefore(event, event.length) - 1;
    this.reserve(end + 1);
    this.length += event.copy(this.buffer, this.length, 0, end);
    if (event[lastBefore(event, end) - 1] !== OPENING_BRACE) this.buffer[this.length++] = COMMA;
    this.text(fields);
    this.reserve(2);
    this.buffer[this.length++] = CLOSING_BRACE;
    this.buffer[this.length++] = NEWLINE;
  }

  /** What was written. It is borrowed: nothing must be written afterwards. */
  bytes(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  /** The exact size is computed only if the largest possible one does not fit. */
  private reserveText(text: string): void {
    if (this.length + text.length * BYTES_PER_UNIT > this.buffer.length)
      this.reserve(Buffer.byteLength(text));
  }

  private reserve(sizeBytes: number): void {
    if (this.length + sizeBytes <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.buffer.length, this.length + sizeBytes));
    this.buffer.copy(larger, 0, 0, this.length);
    this.buffer = larger;
  }
}

/** A line feed in JSON can only be white space between tokens: within strings it is escaped. */
function inOneLine(value: Buffer): Buffer {
  if (!value.includes(NEWLINE) && !value.includes(CARRIAGE_RETURN)) return value;
  return Buffer.from(JSON.stringify(JSON.parse(value.toString('utf8'))));
}

/** The end of the text before `end`, without white space. */
function lastBefore(bytes: Buffer, end: number): number {
  let index = end;
  while (index > 0 && bytes[index - 1]! <= 0x20) index -= 1;
  return index;
}
