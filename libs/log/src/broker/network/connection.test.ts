import { Socket } from 'node:net';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RateLimitedLogger } from '@hailstream/service/rate-limited-logger';
import { NO_METER } from '../metrics/meter.js';
import { PlainExchange } from '../security/sasl/plain-exchange.js';
import { Session } from '../security/session.js';
import { Connection } from './connection.js';

const LONGEST_MS = 10_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function connect(session: Session): Socket {
  const socket = new Socket();
  const runner = { isPipelined: () => false, run: () => Promise.reject(new Error('nothing is asked')) };
  const options = { meter: NO_METER, limitedLogger: new RateLimitedLogger(pino({ level: 'silent' })) };
  const limits = {
    maxRequestBytes: () => 1000,
    maxTokenBytes: 100,
    idleMs: 600_000,
    onArriving: () => undefined,
  };
  new Connection({ socket, runner, session, ...options, ...limits });
  return socket;
}

describe('a connection without requests', () => {
  it('is closed if the client has to authenticate', () => {
    const socket = connect(new Session(new Map([['PLAIN', () => new PlainExchange(new Map())]]), 0));
    vi.advanceTimersByTime(LONGEST_MS - 1);
    expect(socket.writableEnded).toBe(false);
    vi.advanceTimersByTime(1);
    expect(socket.writableEnded).toBe(true);
  });

  it('is closed if a request does not arrive completely in time', () => {
    const socket = connect(new Session(undefined, 0));
    socket.emit('data', Buffer.from([0, 0, 0, 200]));
    for (let i = 0; i < 11; i++) {
      vi.advanceTimersByTime(LONGEST_MS);
      socket.emit('data', Buffer.alloc(1));
      expect(socket.writableEnded).toBe(false);
    }
    vi.advanceTimersByTime(LONGEST_MS);
    expect(socket.writableEnded).toBe(true);
    vi.advanceTimersByTime(LONGEST_MS);
    expect(socket.destroyed).toBe(true);
  });

  it('stays open without authentication', () => {
    const socket = connect(new Session(undefined, 0));
    vi.advanceTimersByTime(10 * LONGEST_MS);
    expect(socket.writableEnded).toBe(false);
  });
});
