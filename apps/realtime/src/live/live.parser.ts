import { Decoder, PacketType, type Packet } from 'socket.io-parser';

/** In place of bytes, which follow as a message of their own. */
const PLACEHOLDER = { _placeholder: true, num: 0 };

/**
 * Encodes packets for the socket.io protocol, version 5, in which every socket.io client reads them. Unlike the default
 * encoder, this one does not search each frame for binary values: the only ones are bytes that are the whole content of
 * a message.
 *
 * @see https://github.com/socketio/socket.io-protocol#packet-encoding
 */
class LiveEncoder {
  /** The text of a packet, and the bytes that it contains. */
  encode({ type, nsp, id, data }: Packet): [string] | [string, Uint8Array] {
    const namespace = nsp !== '' && nsp !== '/' ? `${nsp},` : '';
    const content: unknown = data;
    if (type === PacketType.EVENT && Array.isArray(content) && content[1] instanceof Uint8Array) {
      const [message, bytes] = content as [string, Uint8Array];
      const payload = JSON.stringify([message, PLACEHOLDER]);
      return [`${PacketType.BINARY_EVENT}1-${namespace}${id ?? ''}${payload}`, bytes];
    }
    return [`${type}${namespace}${id ?? ''}${content === undefined ? '' : JSON.stringify(content)}`];
  }
}

/** The `parser` option of the socket.io server. */
export const liveParser = { Encoder: LiveEncoder, Decoder };
