import { createHash, randomBytes } from 'node:crypto';
import { startTestBroker } from '@hailstream/log/testing';
import { beforeEach, afterEach, describe, expect, it } from 'vitest';
import { ObjectStore } from '../src/sinks/s3/object-store.js';
import { TestS3Server, type S3Fault, type S3Request } from './_s3-server.js';
import { appendPoints, MORNING, run, s3Job, verify } from './_util.js';

const PART_BYTES = 1_000;
const bytes = randomBytes(2 * PART_BYTES + 500);
const sha256 = createHash('sha256').update(bytes).digest('hex');

let s3: TestS3Server;
let store: ObjectStore;

beforeEach(async () => {
  s3 = await TestS3Server.start();
  store = new ObjectStore({
    bucket: s3.bucket,
    endpoint: s3.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    partBytes: PART_BYTES,
  });
});

afterEach(async () => {
  store[Symbol.dispose]();
  await s3[Symbol.asyncDispose]();
});

/** Requests by operation: `PUT part 2`. */
function operations(): string[] {
  return s3.requests.map(operationOf);
}

function operationOf({ method, query }: S3Request): string {
  if (query.has('uploads')) return method === 'GET' ? 'list' : 'create';
  if (query.has('partNumber')) return `part ${query.get('partNumber')}`;
  if (query.has('uploadId')) return method === 'POST' ? 'complete' : 'abort';
  return method;
}

function failAt(operation: string, fault: S3Fault): void {
  s3.fault = (request) => (operationOf(request) === operation ? fault : undefined);
}

const unavailable = { code: 'UNAVAILABLE', retryable: true };

describe('an object with more bytes than a part', () => {
  it('is uploaded in parts', async () => {
    expect(await store.putIfAbsent('a', bytes, sha256)).toBe(true);
    expect(operations()).toEqual(['create', 'part 1', 'part 2', 'part 3', 'complete', 'list']);
    expect((await store.get('a'))?.bytes.equals(bytes)).toBe(true);
    expect(await store.describe('a')).toEqual({ sizeBytes: bytes.length, sha256 });
    expect(s3.uploads.size).toBe(0);
  });

  it('is uploaded in one request if it has exactly the bytes of a part', async () => {
    expect(await store.putIfAbsent('a', bytes.subarray(0, PART_BYTES))).toBe(true);
    expect(operations()).toEqual(['PUT']);
  });

  it('does not replace an object that exists, and leaves no parts', async () => {
    await store.putIfAbsent('a', Buffer.from('first'));
    expect(await store.putIfAbsent('a', bytes)).toBe(false);
    expect(operations().slice(-3)).toEqual(['complete', 'list', 'abort']);
    expect((await store.get('a'))?.bytes.toString()).toBe('first');
    expect(s3.uploads.size).toBe(0);
  });

  it.each(['part 2', 'complete'])('leaves no parts if the request "%s" fails', async (operation) => {
    failAt(operation, { status: 503, code: 'SlowDown' });
    await expect(store.putIfAbsent('a', bytes)).rejects.toMatchObject(unavailable);
    expect(operations().at(-1)).toBe('abort');
    expect(s3.uploads.size).toBe(0);
    expect(s3.objects.size).toBe(0);
  });

  it('leaves no parts if the connection breaks in the middle', async () => {
    failAt('part 2', 'reset-before');
    await expect(store.putIfAbsent('a', bytes)).rejects.toMatchObject(unavailable);
    expect(s3.uploads.size).toBe(0);
  });
});

describe('uploads that a killed process has left', () => {
  async function leaveUpload(key: string): Promise<void> {
    failAt('part 1', 'reset-before');
    const { fault } = s3;
    s3.fault = (request) => (operationOf(request) === 'abort' ? 'reset-before' : fault(request));
    await expect(store.putIfAbsent(key, bytes)).rejects.toMatchObject(unavailable);
    s3.fault = () => undefined;
  }

  it('are aborted once the object is written', async () => {
    await leaveUpload('a');
    expect(s3.uploads.size).toBe(1);
    expect(await store.putIfAbsent('a', bytes)).toBe(true);
    expect(s3.uploads.size).toBe(0);
  });

  it('are aborted if the object exists', async () => {
    await leaveUpload('a');
    await store.putIfAbsent('a', Buffer.from('first'));
    expect(await store.putIfAbsent('a', bytes)).toBe(false);
    expect(s3.uploads.size).toBe(0);
  });

  it('are not aborted if they are of another object', async () => {
    await leaveUpload('a.b');
    expect(await store.putIfAbsent('a', bytes)).toBe(true);
    expect([...s3.uploads.values()]).toMatchObject([{ key: 'a.b' }]);
  });
});

describe('a block with more bytes than a part', () => {
  it('is delivered and verified', async () => {
    await using broker = await startTestBroker();
    const incompressible = Array.from({ length: 9 }, (_, index) => ({
      deviceId: 'a device',
      receivedMs: MORNING,
      value: Buffer.from(
        JSON.stringify({ timestamp: MORNING + index, data: randomBytes(600_000).toString('base64') }),
      ),
    }));
    await appendPoints(broker, incompressible);
    const job = s3Job(s3, { sink: { partBytes: 5 * 1_048_576 } });
    await run(broker, [job]);
    expect(operations().filter((operation) => operation.startsWith('part'))).toEqual(['part 1', 'part 2']);
    expect(await verify(broker, [job])).toMatchObject({ ok: true, jobs: { lake: { records: 9 } } });
    expect(s3.uploads.size).toBe(0);
  });
});
