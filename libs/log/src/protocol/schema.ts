import { MalformedRequestError, type Reader } from './reader.js';
import type { Writer } from './writer.js';

/** Encodes and decodes one type. Reader and writer know whether the version is flexible. */
export interface Schema<T> {
  read(reader: Reader): T;
  write(writer: Writer, value: T): void;
}

/** One API of the protocol: its range of versions, and the codecs of its requests and responses. */
export interface Api<Request, Response> {
  readonly apiKey: number;
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
  /** First flexible version: compact lengths and tagged fields. */
  readonly flexibleFrom: number;
  readonly request: Schema<Request>;
  readonly response: Schema<Response>;
}

/** The TypeScript type of a schema's values. */
export type ValueOf<S> = S extends Schema<infer T> ? T : never;

type Fields = Readonly<Record<string, Schema<unknown>>>;
type StructOf<F extends Fields> = { [K in keyof F]: ValueOf<F[K]> };

export const int8: Schema<number> = { read: (r) => r.int8(), write: (w, v) => w.int8(v) };
export const int16: Schema<number> = { read: (r) => r.int16(), write: (w, v) => w.int16(v) };
export const int32: Schema<number> = { read: (r) => r.int32(), write: (w, v) => w.int32(v) };
export const int64: Schema<bigint> = { read: (r) => r.int64(), write: (w, v) => w.int64(v) };
export const boolean: Schema<boolean> = { read: (r) => r.boolean(), write: (w, v) => w.boolean(v) };
export const string: Schema<string> = { read: (r) => r.string(), write: (w, v) => w.string(v) };
export const nullableString: Schema<string | null> = {
  read: (r) => r.nullableString(),
  write: (w, v) => w.nullableString(v),
};
/** When read, a view of the frame. When written, it must not change until the response was sent. */
export const bytes: Schema<Buffer> = { read: (r) => r.bytes(), write: (w, v) => w.nullableBytes(v) };
/** Record batches as stored in the log: a list of buffers when written, one buffer when read. */
export const records: Schema<readonly Buffer[] | null> = {
  read: (r) => {
    const all = r.nullableBytes();
    return all === null ? null : [all];
  },
  write: (w, v) => w.nullableByteChunks(v),
};
/** Sixteen bytes. Kafka prints ids in base64; they are hexadecimal here. */
export const uuid: Schema<string> = {
  read: (r) => r.raw(16).toString('hex'),
  write: (w, v) => w.raw(Buffer.from(v, 'hex')),
};

export const NO_UUID = '0'.repeat(32);

export function array<T>(element: Schema<T>): Schema<T[]> {
  const nullable = nullableArray(element);
  return {
    read: (reader) => {
      const values = nullable.read(reader);
      if (values === null) throw new MalformedRequestError('an array that is not nullable is null');
      return values;
    },
    write: (writer, values) => nullable.write(writer, values),
  };
}

export function nullableArray<T>(element: Schema<T>): Schema<T[] | null> {
  return {
    read(reader) {
      const length = reader.arrayLength();
      if (length === -1) return null;
      const values: T[] = [];
      for (let i = 0; i < length; i++) values.push(element.read(reader));
      return values;
    },
    write(writer, values) {
      writer.arrayLength(values === null ? -1 : values.length);
      for (const value of values ?? []) element.write(writer, value);
    },
  };
}

/** Fields in wire order, followed by tagged fields if the version is flexible. */
export function struct<F extends Fields>(fields: F): Schema<StructOf<F>> {
  const entries = Object.entries(fields);
  return {
    read(reader) {
      const value: Record<string, unknown> = {};
      for (const [name, schema] of entries) value[name] = schema.read(reader);
      reader.skipTaggedFields();
      return value as StructOf<F>;
    },
    write(writer, value) {
      for (const [name, schema] of entries) schema.write(writer, value[name]);
      writer.noTaggedFields();
    },
  };
}

/**
 * A field of versions `first` to `last`. In other versions it is not written, and `absent` is its value when read.
 */
export function versions<T>(
  range: { first?: number; last?: number },
  schema: Schema<T>,
  absent: T,
): Schema<T> {
  const first = range.first ?? 0;
  const last = range.last ?? Infinity;
  return {
    read: (reader) => (reader.version >= first && reader.version <= last ? schema.read(reader) : absent),
    write(writer, value) {
      if (writer.version >= first && writer.version <= last) schema.write(writer, value);
    },
  };
}

/** Shorthand for `versions({ first }, …)`. */
export function since<T>(first: number, schema: Schema<T>, absent: T): Schema<T> {
  return versions({ first }, schema, absent);
}
