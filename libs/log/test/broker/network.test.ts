import { once } from 'node:events';
import * as fs from 'node:fs/promises';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import * as tls from 'node:tls';
import { until } from '@hailstream/service/testing';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { BrokerConfig } from '../../src/broker/config/config.js';
import { RateLimitedLogger } from '@hailstream/service/rate-limited-logger';
import { NO_METER } from '../../src/broker/metrics/meter.js';
import { HANDLERS } from '../../src/broker/handlers/index.js';
import { BrokerServer } from '../../src/broker/network/server.js';
import { makeRecordBatch } from '../../src/protocol/records.js';
import { openSecurity } from '../../src/broker/security/security.js';
import { startTestBroker, type TestBroker } from '../../src/testing.js';
import { answerIn, RawClient, request } from './raw-client.js';
import { TLS_SETTINGS, writeUsers } from './secured-broker.js';

const API_VERSIONS = 18;
const PRODUCE = 0;
const FETCH = 1;
const METADATA = 3;

function batchOf(value: Buffer): Buffer {
  return makeRecordBatch([{ key: null, value }], 1n);
}

function produceOf(batch: Buffer, acks = -1) {
  return {
    transactionalId: null,
    acks,
    timeoutMs: 1000,
    topics: [{ name: 'rides', partitions: [{ index: 0, records: [batch] }] }],
  };
}

function fetchOf(offset: bigint, change: object = {}) {
  return {
    replicaId: -1,
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 50 << 20,
    isolationLevel: 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [
      {
        topic: 'rides',
        partitions: [
          {
            partition: 0,
            currentLeaderEpoch: -1,
            fetchOffset: offset,
            lastFetchedEpoch: -1,
            logStartOffset: -1n,
            partitionMaxBytes: 10 << 20,
          },
        ],
      },
    ],
    forgottenTopics: [],
    rackId: '',
    ...change,
  };
}

async function connect(broker: TestBroker): Promise<RawClient> {
  return RawClient.connect(broker.port);
}

describe('a client that does not complete its TLS handshake', () => {
  it('is disconnected', async () => {
    const settings = { 'listener.security.protocol': 'SSL', ...TLS_SETTINGS };
    const server = new BrokerServer({
      host: '127.0.0.1',
      port: 0,
      logger: pino({ level: 'silent' }),
      security: await openSecurity(new BrokerConfig(settings)),
      limitedLogger: new RateLimitedLogger(pino({ level: 'silent' })),
      meter: NO_METER,
      maxRequestBytes: () => 1000,
      maxTokenBytes: 1000,
      maxConnections: () => 10,
      maxSockets: Infinity,
      maxConnectionsPerAddress: () => 10,
      idleMs: 60_000,
      tlsHandshakeTimeoutMs: 50,
    });
    const socket = net.connect(await server.listen(), '127.0.0.1');
    await once(socket, 'close');
    await until(() => server.connectionCount === 0);
    await server.destroy();
  });
});

describe('clients that do not authenticate', () => {
  it.each(['SSL', 'SASL_SSL', 'SASL_PLAINTEXT'])('leave room for others, with %s', async (protocol) => {
    const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'hailstream-users-'));
    const security = await openSecurity(
      new BrokerConfig({
        'listener.security.protocol': protocol,
        ...(protocol.startsWith('SASL') && { 'sasl.users.file': await writeUsers(folder) }),
        ...(protocol.endsWith('SSL') && TLS_SETTINGS),
      }),
    );
    await fs.rm(folder, { recursive: true });
    const server = new BrokerServer({
      host: '127.0.0.1',
      port: 0,
      logger: pino({ level: 'silent' }),
      security,
      limitedLogger: new RateLimitedLogger(pino({ level: 'silent' })),
      meter: NO_METER,
      maxRequestBytes: () => 1000,
      maxTokenBytes: 1000,
      maxConnections: () => 1000,
      maxSockets: Infinity,
      maxConnectionsPerAddress: () => 1000,
      maxUnauthenticated: 5,
      idleMs: 60_000,
    });
    const port = await server.listen();
    server.serve({ isPipelined: () => false, run: () => Promise.resolve({ kind: 'no-answer' }) });
    // From another address, and older than all of the others.
    const patient = net.connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' });
    await once(patient, 'connect');
    const silent: net.Socket[] = [];
    for (let i = 0; i < 20; i++) {
      const socket = net.connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      silent.push(socket);
    }
    await until(() => server.connectionCount === 5);
    await until(() => silent.filter(({ closed }) => closed).length === 16);
    expect(silent.slice(-4).some(({ closed }) => closed)).toBe(false);
    expect(patient.closed).toBe(false);
    if (protocol === 'SSL') {
      // Connections after the handshake are not counted.
      const clients: net.Socket[] = [];
      for (let i = 0; i < 10; i++) {
        const client = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
        client.on('error', () => undefined);
        await once(client, 'secureConnect');
        clients.push(client);
      }
      await until(() => server.connectionCount >= 10);
      expect(clients.some(({ closed }) => closed)).toBe(false);
    }
    await server.destroy();
    for (const socket of [patient, ...silent]) socket.destroy();
  });
});

describe('requests whose rest does not arrive', () => {
  const serve = async (maxArrivingBytes: number) => {
    const server = new BrokerServer({
      host: '127.0.0.1',
      port: 0,
      logger: pino({ level: 'silent' }),
      security: await openSecurity(new BrokerConfig({})),
      limitedLogger: new RateLimitedLogger(pino({ level: 'silent' })),
      meter: NO_METER,
      maxRequestBytes: () => 10_000_000,
      maxTokenBytes: 1000,
      maxConnections: () => 1000,
      maxSockets: Infinity,
      maxConnectionsPerAddress: () => 1000,
      maxArrivingBytes,
      idleMs: 60_000,
    });
    const port = await server.listen();
    server.serve({
      isPipelined: () => false,
      run: (frame) => Promise.resolve({ kind: 'answer', chunks: [frame] }),
    });
    const open = async (localAddress: string): Promise<net.Socket> => {
      const socket = net.connect({ port, host: '127.0.0.1', localAddress });
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      return socket;
    };
    return { server, open, [Symbol.asyncDispose]: () => server.destroy() };
  };
  const size = (bytes: number): Buffer => {
    const prefix = Buffer.alloc(4);
    prefix.writeInt32BE(bytes);
    return prefix;
  };
  const LARGE = size(10_000_000);

  it('use bounded memory, and make room for those of others', async () => {
    await using broker = await serve(4_000_000);
    const patient = await broker.open('127.0.0.2');
    patient.write(Buffer.concat([size(900_001), Buffer.alloc(900_000)]));
    const slow: net.Socket[] = [];
    for (let i = 0; i < 10; i++) {
      const socket = await broker.open('127.0.0.1');
      socket.write(Buffer.concat([size(1_000_001), Buffer.alloc(1_000_000)]));
      slow.push(socket);
    }
    await until(() => slow.filter(({ closed }) => closed).length === 7);
    expect(patient.closed).toBe(false);
    const client = await broker.open('127.0.0.3');
    client.write(Buffer.concat([size(1_000_000), Buffer.alloc(1_000_000, 7)]));
    const [answer] = (await once(client, 'data')) as [Buffer];
    expect(answer[0]).toBe(7);
    for (const socket of [patient, client, ...slow]) socket.destroy();
  });

  it('count with the 256 KiB that are acquired for their first byte', async () => {
    await using broker = await serve(4_000_000);
    const slow: net.Socket[] = [];
    for (let i = 0; i < 20; i++) {
      const socket = await broker.open('127.0.0.1');
      socket.write(Buffer.concat([LARGE, Buffer.alloc(1)]));
      slow.push(socket);
    }
    await until(() => slow.filter(({ closed }) => closed).length === 5);
    for (const socket of slow) socket.destroy();
  });

  it('close the connection if they arrive in many small pieces', async () => {
    await using broker = await serve(4_000_000);
    const socket = await broker.open('127.0.0.1');
    socket.setNoDelay(true).write(LARGE);
    const isClosed = once(socket, 'close');
    const drip = (): void => {
      if (socket.writable) socket.write('x', () => setImmediate(drip));
    };
    drip();
    await isClosed;
    await until(() => broker.server.connectionCount === 0);
  });
});

describe('a client that connects before the broker has loaded its log', () => {
  it.each([{}, TLS_SETTINGS])('is served after the log was loaded: %j', async (files) => {
    const protocol = 'ssl.key.location' in files ? 'SSL' : 'PLAINTEXT';
    const server = new BrokerServer({
      host: '127.0.0.1',
      port: 0,
      logger: pino({ level: 'silent' }),
      security: await openSecurity(new BrokerConfig({ 'listener.security.protocol': protocol, ...files })),
      limitedLogger: new RateLimitedLogger(pino({ level: 'silent' })),
      meter: NO_METER,
      maxRequestBytes: () => 1000,
      maxTokenBytes: 1000,
      maxConnections: () => 10,
      maxSockets: Infinity,
      maxConnectionsPerAddress: () => 10,
      idleMs: 60_000,
    });
    const port = await server.listen();
    const socket =
      protocol === 'SSL'
        ? tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
        : net.connect(port, '127.0.0.1');
    await once(socket, protocol === 'SSL' ? 'secureConnect' : 'connect');
    socket.write(Buffer.from([0, 0, 0, 2, 7, 7]));
    server.serve({
      isPipelined: () => false,
      run: (frame) => Promise.resolve({ kind: 'close', reason: 'done', chunks: [frame] }),
    });
    expect((await once(socket, 'data'))[0]).toEqual(Buffer.from([7, 7]));
    await server.destroy();
  });
});

describe('a connection', () => {
  it('responds to requests in order, with and without pipelined produce requests', async () => {
    await using broker = await startTestBroker();
    using client = await connect(broker);
    const sent = [PRODUCE, PRODUCE, METADATA, PRODUCE, FETCH, API_VERSIONS];
    const bodies: Record<number, object> = {
      [PRODUCE]: produceOf(batchOf(Buffer.alloc(100))),
      [METADATA]: { topics: [], allowAutoTopicCreation: true },
      [FETCH]: fetchOf(0n),
      [API_VERSIONS]: {},
    };
    const versions: Record<number, number> = { [PRODUCE]: 7, [METADATA]: 6, [FETCH]: 11, [API_VERSIONS]: 2 };
    sent.forEach((key, i) => client.send(request(key, versions[key] as number, i, bodies[key] as object)));
    for (let i = 0; i < sent.length; i++) expect((await client.frame()).readInt32BE(0)).toBe(i);
  });

  it('stores what it received although the memory of requests is reused', async () => {
    await using broker = await startTestBroker();
    using reader = await connect(broker);
    await reader.call(METADATA, 6, { topics: [{ name: 'rides' }], allowAutoTopicCreation: true });
    const sent = new Map<bigint, Buffer>();
    const producers = [0, 1, 2].map(async (producer) => {
      using client = await connect(broker);
      const batches = [20_000, 60_000, 300_000, 100, 20_000, 300_000, 60_000].map((length, i) =>
        batchOf(Buffer.alloc(length, `${producer}/${i} `)),
      );
      for (const batch of batches) client.send(request(PRODUCE, 7, 1, produceOf(batch)));
      for (const batch of batches) {
        const answer = answerIn<{ topics: { partitions: { baseOffset: bigint }[] }[] }>(
          await client.frame(),
          { apiKey: PRODUCE, version: 7, correlationId: 1 },
        );
        sent.set(answer.topics[0]?.partitions[0]?.baseOffset ?? -1n, batch);
      }
    });
    await Promise.all(producers);
    expect(sent.size).toBe(21);
    for (const [offset, batch] of sent) {
      const { topics } = await reader.call<{ topics: { partitions: { records: Buffer[] }[] }[] }>(
        FETCH,
        11,
        fetchOf(offset),
      );
      const stored = Buffer.concat(topics[0]?.partitions[0]?.records ?? []).subarray(0, batch.length);
      // The broker sets the offset and the leader epoch.
      expect(stored.readBigInt64BE(0)).toBe(offset);
      expect(stored.subarray(16).equals(batch.subarray(16))).toBe(true);
    }
  });

  it('closes a connection with a request that is too large', async () => {
    await using broker = await startTestBroker({ settings: { 'socket.request.max.bytes': '2000' } });
    for (const length of [2001, -1, 0x7fffffff]) {
      using client = await connect(broker);
      const head = Buffer.alloc(4);
      head.writeInt32BE(length);
      client.write(head);
      await expect(client.closed).resolves.toBeUndefined();
    }
    using client = await connect(broker);
    await client.call(API_VERSIONS, 2, {});
  });

  it('stops reading from a client that does not read its responses', async () => {
    await using broker = await startTestBroker();
    using writer = await connect(broker);
    await writer.call(METADATA, 6, { topics: [{ name: 'rides' }], allowAutoTopicCreation: true });
    for (let i = 0; i < 10; i++) await writer.call(PRODUCE, 7, produceOf(batchOf(Buffer.alloc(900_000))));
    const socket = net.connect(broker.port, '127.0.0.1');
    socket.pause();
    const fetchRequest = request(FETCH, 11, 1, fetchOf(0n));
    const before = process.memoryUsage().arrayBuffers;
    // More than the socket buffers of both sides can hold, so that the broker must stop reading.
    let stuck = false;
    for (let i = 0; i < 200_000 && !stuck; i++) {
      socket.write(fetchRequest);
      if (i % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
      stuck = socket.writableLength > 4 << 20;
    }
    await until(() => socket.writableLength > 0);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200 << 20);
    expect(stuck).toBe(true);
    socket.destroy();
    await writer.call(API_VERSIONS, 2, {});
  });

  it('responds to unsupported requests with UNSUPPORTED_VERSION', async () => {
    await using broker = await startTestBroker();
    using other = await connect(broker);
    other.send(request(API_VERSIONS, 2, 5, {}, 4));
    const versions = await other.frame();
    expect(versions.readInt32BE(0)).toBe(5);
    expect(versions.readInt16BE(4)).toBe(35);
    expect(versions.readInt32BE(6)).toBe(HANDLERS.size);
    for (const [key, version] of [
      [4, 0],
      [3, 99],
    ] as const) {
      using client = await connect(broker);
      client.send(request(METADATA, 6, 9, { topics: [], allowAutoTopicCreation: false }, version, key));
      const answer = await client.frame();
      expect(answer.readInt32BE(0)).toBe(9);
      expect(answer.readInt16BE(4)).toBe(35);
      await client.closed;
    }
    using client = await connect(broker);
    const old = await client.call<{ topics: { partitions: { errorCode: number }[] }[] }>(
      PRODUCE,
      2,
      produceOf(batchOf(Buffer.from('a'))),
    );
    expect(old.topics[0]?.partitions[0]?.errorCode).toBe(35);
  });
});
