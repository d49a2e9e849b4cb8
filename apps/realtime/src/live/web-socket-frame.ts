/** Payloads up to this size have it in the second byte of the header. */
const MAX_SHORT_BYTES = 125;
const MAX_MEDIUM_BYTES = 0xffff;

/** In place of a short size: the size follows in two or eight bytes. */
const MEDIUM = 126;
const LONG = 127;

const FINAL_TEXT = 0x81;
const FINAL_BINARY = 0x82;

/**
 * A message as one frame of a WebSocket, which is the same for all clients of a server: the frames of servers are not
 * masked. A string is sent as text, bytes as a binary message.
 *
 * @see RFC 6455, section 5.2
 */
export function webSocketFrame(message: string | Uint8Array): Buffer {
  const payload = typeof message === 'string' ? Buffer.from(message) : message;
  const opcode = typeof message === 'string' ? FINAL_TEXT : FINAL_BINARY;
  return Buffer.concat([header(opcode, payload.length), payload]);
}

function header(opcode: number, sizeBytes: number): Buffer {
  if (sizeBytes <= MAX_SHORT_BYTES) return Buffer.from([opcode, sizeBytes]);
  if (sizeBytes <= MAX_MEDIUM_BYTES) {
    const bytes = Buffer.from([opcode, MEDIUM, 0, 0]);
    bytes.writeUInt16BE(sizeBytes, 2);
    return bytes;
  }
  const bytes = Buffer.alloc(10);
  bytes[0] = opcode;
  bytes[1] = LONG;
  bytes.writeBigUInt64BE(BigInt(sizeBytes), 2);
  return bytes;
}
