import { until } from '@hailstream/service/testing';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { startBroker } from '../../src/broker/index.js';
import { startTestBroker, type TestBroker } from '../../src/testing.js';
import { RawClient, request } from './raw-client.js';
import { certificate, PASSWORD, startSecuredBroker, TLS_SETTINGS, USER } from './secured-broker.js';

const METADATA = 3;
const SASL_HANDSHAKE = 17;
const API_VERSIONS = 18;
const SASL_AUTHENTICATE = 36;
const TOKEN_BYTES_MOST = 65_536;
const WHAT_TOPICS = { topics: [], allowAutoTopicCreation: false };
const RIGHT = Buffer.from(`\0${USER}\0${PASSWORD}`);
const WRONG = Buffer.from(`\0${USER}\0not ${PASSWORD}`);

interface Handshaken {
  readonly errorCode: number;
  readonly mechanisms: string[];
}

interface Authenticated {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

async function connect({ port }: TestBroker): Promise<RawClient> {
  return RawClient.connect(port);
}

async function begin(client: RawClient, mechanism = 'PLAIN', version = 1): Promise<Handshaken> {
  return client.call<Handshaken>(SASL_HANDSHAKE, version, { mechanism });
}

async function authenticate(client: RawClient, authBytes: Buffer, version = 2): Promise<Authenticated> {
  return client.call<Authenticated>(SASL_AUTHENTICATE, version, { authBytes });
}

function framed(token: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(token.length);
  return Buffer.concat([length, token]);
}

describe('a client without credentials', () => {
  it('may request ApiVersions and nothing else', async () => {
    await using broker = await startSecuredBroker();
    using client = await connect(broker);
    await client.call(API_VERSIONS, 3, { clientSoftwareName: 'raw', clientSoftwareVersion: '1' });
    client.send(request(METADATA, 6, 1, WHAT_TOPICS));
    await client.closed;
    await expect(client.frame()).rejects.toThrow('closed');
  });

  it('receives no response to other requests, before and after its authentication fails', async () => {
    await using broker = await startSecuredBroker();
    using during = await connect(broker);
    await begin(during);
    during.send(request(METADATA, 6, 1, WHAT_TOPICS));
    await expect(during.frame()).rejects.toThrow('closed');
    using after = await connect(broker);
    await begin(after);
    after.write(
      Buffer.concat([
        request(SASL_AUTHENTICATE, 0, 1, { authBytes: WRONG }),
        request(METADATA, 6, 2, WHAT_TOPICS),
      ]),
    );
    expect((await after.frame()).readInt16BE(4)).toBe(58);
    await expect(after.frame()).rejects.toThrow('closed');
  });

  it('may send only as many bytes as a token needs, until it is authenticated', async () => {
    await using broker = await startSecuredBroker();
    using client = await connect(broker);
    const head = Buffer.alloc(4);
    head.writeInt32BE(TOKEN_BYTES_MOST + 1);
    client.write(head);
    await expect(client.closed).resolves.toBeUndefined();
    using user = await connect(broker);
    await begin(user);
    await authenticate(user, RIGHT);
    const topics = Array.from({ length: 30 }, () => ({ name: 'x'.repeat(20_000) }));
    await user.call(METADATA, 6, { topics, allowAutoTopicCreation: false });
  });

  it('receives the list of enabled mechanisms', async () => {
    await using broker = await startSecuredBroker({ 'sasl.enabled.mechanisms': 'SCRAM-SHA-512, PLAIN' });
    using client = await connect(broker);
    expect(await begin(client, 'GSSAPI')).toEqual({ errorCode: 33, mechanisms: ['PLAIN', 'SCRAM-SHA-512'] });
    await client.closed;
  });

  it('must select a mechanism first', async () => {
    await using broker = await startSecuredBroker();
    using client = await connect(broker);
    expect((await authenticate(client, RIGHT)).errorCode).toBe(34);
    await client.closed;
  });

  it('with wrong credentials receives the reason and is disconnected, and the log contains no secrets', async () => {
    const lines: string[] = [];
    const logger = pino({ level: 'trace' }, { write: (line: string) => lines.push(line) });
    await using broker = await startSecuredBroker({}, logger);
    for (const version of [0, 1, 2]) {
      using client = await connect(broker);
      await begin(client);
      const { errorCode, errorMessage } = await authenticate(client, WRONG, version);
      expect(errorCode).toBe(58);
      expect(errorMessage).toBe('authentication failed: invalid user name or password (PLAIN)');
      await client.closed;
    }
    expect(lines.join('')).toContain('invalid user name or password');
    expect(lines.join('')).not.toContain(PASSWORD);
  });
});

describe('a user with credentials', () => {
  it.each([0, 1, 2])('authenticates with SaslAuthenticate %i and stays authenticated', async (version) => {
    await using broker = await startSecuredBroker();
    using client = await connect(broker);
    expect((await begin(client)).errorCode).toBe(0);
    expect(await authenticate(client, RIGHT, version)).toMatchObject({ errorCode: 0, errorMessage: null });
    await client.call(METADATA, 6, WHAT_TOPICS);
    expect((await authenticate(client, WRONG, version)).errorCode).toBe(34);
    expect((await begin(client)).errorCode).toBe(34);
    await client.call(METADATA, 6, WHAT_TOPICS);
  });

  it('authenticates with raw tokens after SaslHandshake 0', async () => {
    await using broker = await startSecuredBroker();
    using client = await connect(broker);
    await begin(client, 'PLAIN', 0);
    client.write(framed(RIGHT));
    expect((await client.frame()).length).toBe(0);
    await client.call(METADATA, 6, WHAT_TOPICS);
    using other = await connect(broker);
    await begin(other, 'PLAIN', 0);
    other.write(framed(WRONG));
    await expect(other.frame()).rejects.toThrow('closed');
  });

  it('needs no credentials on a listener without SASL', async () => {
    await using broker = await startTestBroker();
    using client = await connect(broker);
    expect(await begin(client)).toEqual({ errorCode: 34, mechanisms: [] });
    expect((await authenticate(client, RIGHT)).errorCode).toBe(34);
    await client.call(METADATA, 6, WHAT_TOPICS);
  });
});

describe('a failed authentication', () => {
  it('is answered after a delay, which does not delay other clients', async () => {
    await using broker = await startSecuredBroker({ 'connection.failed.authentication.delay.ms': '60000' });
    const guessing = await Promise.all(Array.from({ length: 20 }, () => connect(broker)));
    let answered = 0;
    for (const client of guessing) {
      await begin(client);
      void authenticate(client, WRONG).then(
        () => answered++,
        () => undefined,
      );
    }
    using user = await connect(broker);
    await begin(user);
    expect((await authenticate(user, RIGHT)).errorCode).toBe(0);
    await user.call(METADATA, 6, WHAT_TOPICS);
    expect(answered).toBe(0);
    for (const client of guessing) client[Symbol.dispose]();
  });
});

describe('max.connections.per.ip', () => {
  it('leaves room for other addresses', async () => {
    await using broker = await startTestBroker({ settings: { 'max.connections.per.ip': '3' } });
    const clients = await Promise.all(Array.from({ length: 3 }, () => connect(broker)));
    for (const client of clients) await client.call(METADATA, 6, WHAT_TOPICS);
    using another = await connect(broker);
    await another.closed;
    using elsewhere = await RawClient.connect(broker.port, '127.0.0.1', '127.0.0.2');
    expect(await elsewhere.call(METADATA, 6, WHAT_TOPICS)).toBeTypeOf('object');
    for (const client of clients) client[Symbol.dispose]();
  });
});

describe('max.connections', () => {
  it('closes connections above the limit, logs it, and accepts a new one after another was closed', async () => {
    const lines: string[] = [];
    const logger = pino({ level: 'error' }, { write: (line: string) => lines.push(line) });
    await using broker = await startTestBroker({ settings: { 'max.connections': '2' }, logger });
    using first = await connect(broker);
    const second = await connect(broker);
    for (const client of [first, second]) await client.call(METADATA, 6, WHAT_TOPICS);
    for (let i = 0; i < 5; i++) {
      using third = await connect(broker);
      await third.closed;
    }
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('max.connections reached');
    second[Symbol.dispose]();
    await until(async () => {
      using next = await connect(broker);
      return await next.call(METADATA, 6, WHAT_TOPICS).then(
        () => true,
        () => false,
      );
    });
  });
});

describe('a broker with an incomplete security configuration', () => {
  const users = certificate('ca.crt');
  it.each<[Record<string, string>, RegExp]>([
    [{ 'listener.security.protocol': 'SASL_PLAINTEXT' }, /^sasl\.users\.file must be set/],
    [{ 'sasl.users.file': users }, /^sasl\.users\.file has no effect/],
    [{ ...TLS_SETTINGS }, /^ssl\.certificate\.location has no effect/],
    [{ 'listener.security.protocol': 'SSL' }, /^ssl\.certificate\.location must be set to a PEM file/],
    [
      { 'listener.security.protocol': 'SSL', ...TLS_SETTINGS, 'ssl.key.location': '/no/such/file' },
      /^cannot read ssl\.key\.location: ENOENT/,
    ],
    [
      { 'listener.security.protocol': 'SSL', ...TLS_SETTINGS, 'ssl.key.location': certificate('client.key') },
      /^invalid TLS configuration \(ssl\.certificate\.location, ssl\.key\.location/,
    ],
    [
      { 'listener.security.protocol': 'SSL', ...TLS_SETTINGS, 'ssl.client.auth': 'required' },
      /^ssl\.ca\.location must be set to a PEM file/,
    ],
    [
      { 'listener.security.protocol': 'SSL', ...TLS_SETTINGS, 'ssl.ca.location': certificate('ca.crt') },
      /^ssl\.ca\.location has no effect/,
    ],
    [{ 'sasl.enabled.mechanisms': 'GSSAPI' }, /^sasl\.enabled\.mechanisms must be a list of PLAIN/],
  ])('does not start: %j', async (settings, message) => {
    const started = startBroker({ port: 0, dataDir: '/no/such/folder/is/made', settings });
    await expect(started).rejects.toThrow(message);
  });
});
