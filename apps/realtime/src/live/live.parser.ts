import { Decoder, type Packet } from 'socket.io-parser';

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
