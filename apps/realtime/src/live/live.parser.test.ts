import { Encoder, PacketType, type Packet } from 'socket.io-parser';
import { describe, expect, it } from 'vitest';
import { liveParser } from './live.parser.js';

describe('liveParser', () => {
  it.each<Packet>([
    { type: PacketType.CONNECT, nsp: '/', data: { sid: 'wZX3oN0bSVIhsaknAAAI' } },
    { type: PacketType.CONNECT, nsp: '/admin' },
    { type: PacketType.CONNECT_ERROR, nsp: '/', data: { message: 'expired', data: { code: 'EXPIRED' } } },
    { type: PacketType.DISCONNECT, nsp: '/' },
    { type: PacketType.EVENT, nsp: '/', data: ['frame', { vehicles: [['id', 43.7, null]], gone: [] }] },
    { type: PacketType.EVENT, nsp: '/', data: ['binary', Buffer.of(1, 2)] },
    { type: PacketType.EVENT, nsp: '/admin', data: ['binary', Buffer.of(1, 2)] },
    { type: PacketType.EVENT, nsp: '/admin', id: 7, data: ['status', 'é'] },
    { type: PacketType.ACK, nsp: '/', id: 12, data: [] },
  ])('encodes as the default parser does: %j', (packet) => {
    expect(new liveParser.Encoder().encode(packet)).toEqual(new Encoder().encode(packet));
  });
});
