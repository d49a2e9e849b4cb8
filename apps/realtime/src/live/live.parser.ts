import { Decoder, type Packet } from 'socket.io-parser';

/** First byte of an unfragmented text frame. */
const FINAL_TEXT = 0x81;

/**
 * Encodes packets for the socket.io protocol, version 5, in which every socket.io client reads them. Messages are JSON
 * only: unlike the default encoder, this one does not search each frame for binary values.
 *
 * @see https://github.com/socketio/socket.io-protocol#packet-encoding
 */
class JsonEncoder {
  encode({ type, nsp, id, data }: Packet): [string] {
    const namespace = nsp !== '' && nsp !== '/' ? `${nsp},` : '';
    const payload: unknown = data;
    return [`${type}${namespace}${id ?? ''}${payload === undefined ? '' : JSON.stringify(payload)}`];
  }
}

/** The `parser` option of the socket.io server. */
export const liveParser = { Encoder: JsonEncoder, Decoder };

/**
 * A text as one unmasked WebSocket frame, header and payload in one buffer.
 *
 * @see RFC 6455, section 5.2
 */
export function webSocketFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const headerBytes = 2 + lengthBytes;
  const frame = Buffer.allocUnsafe(headerBytes + length);
  frame[0] = FINAL_TEXT;
  frame[1] = lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127;
  if (lengthBytes === 2) frame.writeUInt16BE(length, 2);
  else if (lengthBytes === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  frame.write(text, headerBytes);
  return frame;
}
