import { Encoder, PacketType, type Packet } from 'socket.io-parser';
import { describe, expect, it } from 'vitest';
import { liveParser, webSocketFrame } from './live.parser.js';

describe('liveParser', () => {
  it.each<Packet>([
    { type: PacketType.CONNECT, nsp: '/', data: { sid: 'wZX3oN0bSVIhsaknAAAI' } },
    { type: PacketType.CONNECT, nsp: '/admin' },
    { type: PacketType.CONNECT_ERROR, nsp: '/', data: { message: 'expired', data: { code: 'EXPIRED' } } },
    { type: PacketType.DISCONNECT, nsp: '/' },
    { type: PacketType.EVENT, nsp: '/', data: ['frame', { vehicles: [['id', 43.7, null]], gone: [] }] },
    { type: PacketType.EVENT, nsp: '/admin', id: 7, data: ['status', 'é'] },
    { type: PacketType.ACK, nsp: '/', id: 12, data: [] },
  ])('encodes as the default parser does: %j', (packet) => {
    expect(new liveParser.Encoder().encode(packet)).toEqual(new Encoder().encode(packet));
  });
});

describe('webSocketFrame', () => {
  it.each([
    ['', [0x81, 0]],
    ['é', [0x81, 2]],
    ['x'.repeat(125), [0x81, 125]],
    ['x'.repeat(126), [0x81, 126, 0, 126]],
    ['x'.repeat(65_535), [0x81, 126, 0xff, 0xff]],
    ['x'.repeat(65_536), [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]],
  ])('has the length of the payload in the shortest form, case %#', (text, header) => {
    const frame = webSocketFrame(text);
    expect([...frame.subarray(0, header.length)]).toEqual(header);
    expect(frame.toString('utf8', header.length)).toBe(text);
  });
});
