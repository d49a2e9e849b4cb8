import type { Reader } from './reader.js';
import type { Writer } from './writer.js';

/*
 * Request header:   apiKey int16 · apiVersion int16 · correlationId int32 · clientId nullable string (v1) · tags (v2)
 * Response header:  correlationId int32 · tags (v1)
 *
 * The client id is never compact. ApiVersions answers with response header 0 whatever its version.
 */

/** The fixed fields at the start of every request. */
export interface RequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string | null;
}

/** Reads a request header except its tagged fields, whose presence depends on the API key and version. */
export function readRequestHeader(reader: Reader): RequestHeader {
  return {
    apiKey: reader.int16(),
    apiVersion: reader.int16(),
    correlationId: reader.int32(),
    clientId: reader.nullableString(),
  };
}

export function writeResponseHeader(writer: Writer, correlationId: number, flexible: boolean): void {
  writer.int32(correlationId);
  if (flexible) writer.unsignedVarint(0);
}
