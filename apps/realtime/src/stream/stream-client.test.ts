import type { ServerResponse } from 'node:http';
import type { LiveFrame } from '@hailstream/events/live';
import { describe, expect, it } from 'vitest';
import { StreamClient, StreamRooms } from './stream-client.js';

function reader(rooms: StreamRooms, writableLength = 0) {
  const written: unknown[] = [];
  const response = { writableLength, write: (data: unknown) => written.push(data) };
  const sizes: number[] = [];
  const client = new StreamClient(response as unknown as ServerResponse, rooms, (size) => sizes.push(size));
  return { written, sizes, client };
}

const frame = { epoch: 7, sequence: 12, view: 'all:0' } as LiveFrame;

describe('StreamRooms', () => {
  it('encodes a message once for all streams in a room', () => {
    const rooms = new StreamRooms();
    const readers = [reader(rooms), reader(rooms), reader(rooms)] as const;
    readers[0].client.join('a');
    readers[1].client.join('a');
    readers[2].client.join('b');
    rooms.send('a', 'frame', frame);
    expect(readers[0].written[0]).toBe(readers[1].written[0]);
    expect(readers[2].written).toEqual([]);
    readers[0].client.leave('a');
    rooms.send('a', 'frame', frame);
    expect(readers.map(({ written }) => written.length)).toEqual([1, 2, 0]);
  });
});

describe('StreamClient', () => {
  it('sends a message as an event: frames with an id, others without', () => {
    const { client, written, sizes } = reader(new StreamRooms());
    client.send('frame', frame);
    client.send('refused', { message: 'watch', code: 'AMBIGUOUS', reason: 'two\nlines' });
    expect(written.map(String)).toEqual([
      'event: frame\nid: 7-12-all:0\ndata: {"epoch":7,"sequence":12,"view":"all:0"}\n\n',
      'event: refused\ndata: {"message":"watch","code":"AMBIGUOUS","reason":"two\\nlines"}\n\n',
    ]);
    expect(sizes).toEqual(written.map((event) => String(event).length));
  });

  it('sends no heartbeat while earlier data waits', () => {
    const idle = reader(new StreamRooms());
    const busy = reader(new StreamRooms(), 1);
    idle.client.beat();
    busy.client.beat();
    expect([idle.written, busy.written]).toEqual([[':\n\n'], []]);
  });
});
