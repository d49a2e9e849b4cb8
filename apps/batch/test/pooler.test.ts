import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { telemetryFamily } from '@hailstream/events';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { begin, createPool } from '../src/database/pool.postgres.js';
import {
  append,
  createLoadRunner,
  createTestDatabase,
  makeTrack,
  silent,
  toRecords,
  type TestDatabase,
} from './_util.js';

/** Startup parameters that PgBouncer accepts. It closes the connection on any other. */
const STARTUP_PARAMETERS = new Set([
  'user',
  'database',
  'application_name',
  'client_encoding',
  'datestyle',
  'timezone',
  'standard_conforming_strings',
]);
const BACKEND_KEY_DATA = 'K'.charCodeAt(0);

/**
 * A pooler that behaves like PgBouncer, with one server connection per client: it rejects unknown startup parameters,
 * and replaces the process id.
 */
async function startPooler(server: URL): Promise<Server> {
  const pooler = createServer((client) => {
    client.on('error', () => {});
    client.once('data', (startup) => {
      const unknown = parametersOf(startup).find((name) => !STARTUP_PARAMETERS.has(name.toLowerCase()));
      if (unknown !== undefined) return client.end(refusal(`unsupported startup parameter: ${unknown}`));
      const upstream = connect(Number(server.port), server.hostname);
      upstream.on('error', () => client.destroy());
      upstream.write(startup);
      client.pipe(upstream);
      forward(upstream, client);
    });
  });
  pooler.listen(0, '127.0.0.1');
  await once(pooler, 'listening');
  return pooler;
}

/** Grammar: length:int32 version:int32 (name:cstring value:cstring)* 0. */
function parametersOf(startup: Buffer): string[] {
  const texts = startup.toString('utf8', 8, startup.readInt32BE(0)).split('\0');
  return texts.filter((text, index) => index % 2 === 0 && text !== '');
}

/** ErrorResponse: 'E' length:int32 (field:byte text:cstring)* 0. */
function refusal(message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0C08P01\0M${message}\0\0`);
  const head = Buffer.from('E\0\0\0\0');
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}

/** Forwards messages: kind:byte length:int32 body. It replaces the process id in BackendKeyData. */
function forward(upstream: Socket, client: Socket): void {
  let waiting = Buffer.alloc(0);
  let isStarted = false;
  upstream.on('data', (bytes) => {
    if (isStarted) return void client.write(bytes);
    waiting = Buffer.concat([waiting, bytes]);
    while (!isStarted && waiting.length >= 5 && waiting.length >= 1 + waiting.readInt32BE(1)) {
      const message = waiting.subarray(0, 1 + waiting.readInt32BE(1));
      waiting = waiting.subarray(message.length);
      isStarted = message[0] === BACKEND_KEY_DATA;
      if (isStarted) message.writeInt32BE(message.readInt32BE(5) + 100_000, 5);
      client.write(message);
    }
    if (isStarted) client.write(waiting);
  });
  upstream.on('end', () => client.end());
}

let broker: TestBroker;
let database: TestDatabase;
let pooler: Server;
let url: string;

beforeEach(async () => {
  [broker, database] = await Promise.all([startTestBroker(), createTestDatabase()]);
  pooler = await startPooler(new URL(database.url));
  const server = new URL(database.url);
  const { port } = pooler.address() as { port: number };
  server.host = `127.0.0.1:${port}`;
  url = server.href;
});

afterEach(async () => {
  pooler.close();
  await broker[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const SHOW = `SELECT current_setting('lock_timeout') AS lock, current_setting('statement_timeout') AS statement,
  current_setting('idle_in_transaction_session_timeout') AS idle`;
const BOUNDED = { lock: '30s', statement: '2min', idle: '30s' };

describe('a connection pooler', () => {
  it('rejects timeouts as startup parameters', async () => {
    const client = new pg.Client({ connectionString: url, statement_timeout: 1_000 });
    await expect(client.connect()).rejects.toThrow('unsupported startup parameter: statement_timeout');
  });

  it('can be used in front of the database', async () => {
    await append(broker, telemetryFamily.topic.name, toRecords(makeTrack({ points: 200, devices: 5 })));
    await using loads = await createLoadRunner(broker, { ...database, url });
    expect(await loads.load(new AbortController().signal)).toMatchObject({ rows: 200 });
  });

  it('does not change the session settings of other clients', async () => {
    const pool = createPool({ url, size: 1, logger: silent });
    const { rows } = await pool.query(SHOW);
    await pool.end();
    expect(rows).toEqual([{ lock: '0', statement: '0', idle: '0' }]);
  });
});

describe('a transaction', () => {
  it('has its timeouts, also through a pooler', async () => {
    const pool = createPool({ url, size: 1, logger: silent });
    const client = await pool.connect();
    await begin(client);
    const { rows } = await client.query(SHOW);
    await client.query('COMMIT');
    client.release();
    await pool.end();
    expect(rows).toEqual([BOUNDED]);
  });
});

describe('a connection', () => {
  it('has its timeouts in every statement without a pooler', async () => {
    const pool = createPool({ url: database.url, size: 1, logger: silent });
    const { rows } = await pool.query(SHOW);
    await pool.end();
    expect(rows).toEqual([BOUNDED]);
  });
});
