import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { webSocketFrame } from '../src/live/web-socket-frame.js';

it.each([0, 125, 126, 65_535, 65_536])('a client receives messages of %i bytes', async (sizeBytes) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  try {
    await once(server, 'listening');
    const text = 'x'.repeat(sizeBytes);
    const bytes = new Uint8Array(sizeBytes).fill(7);
    server.on('connection', (_, { socket }) => {
      socket.write(Buffer.concat([webSocketFrame(text), webSocketFrame(bytes)]));
    });
    const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const received: [string, boolean][] = [];
    client.on('message', (data, isBinary) => received.push([(data as Buffer).toString('latin1'), isBinary]));
    await expect.poll(() => received.length).toBe(2);
    expect(received).toEqual([
      [text, false],
      [Buffer.from(bytes).toString('latin1'), true],
    ]);
    client.terminate();
  } finally {
    server.close();
  }
});
