import { describe, expect, it } from 'vitest';
import { EncodingPool } from './encoding-pool.js';
import type { EncodingRequest } from './parquet-file.js';

/** A thread that replies with its id for each file, ends if there are no rows, and fails if there is one. */
const SCRIPT = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort, threadId } from 'node:worker_threads';
    parentPort.on('message', ({ rows, files }) => {
      if (rows === 0) process.exit(3);
      if (rows === 1) parentPort.postMessage({ kind: 'failed', error: new RangeError('one row') });
      else parentPort.postMessage({ kind: 'encoded', files: files.map(() => Uint8Array.of(threadId)) });
    });
  `)}`,
);

function request(rows: number): EncodingRequest {
  return { columns: [], rows, files: [Uint32Array.of(1), Uint32Array.of(2)] };
}

describe(EncodingPool, () => {
  it('encodes the files of a request on one of its threads', async () => {
    await using pool = new EncodingPool({ size: 2, script: SCRIPT });
    const replies = await Promise.all(Array.from({ length: 9 }, () => pool.encode(request(2))));
    for (const [first, second, ...others] of replies) {
      expect(second).toEqual(first);
      expect(others).toEqual([]);
    }
    expect(new Set(replies.flat().map(([thread]) => thread)).size).toBe(2);
  });

  it('moves the buffers of a request to the thread', async () => {
    await using pool = new EncodingPool({ size: 1, script: SCRIPT });
    const values = Float64Array.of(1, 2);
    const column = { kind: 'numbers', name: 'a', type: 'DOUBLE', isNullable: true, values } as const;
    await pool.encode({ columns: [column], rows: 2, files: [] });
    expect(values.buffer.byteLength).toBe(0);
  });

  it('fails a request whose thread ends, and continues with another thread', async () => {
    await using pool = new EncodingPool({ size: 1, script: SCRIPT });
    const [ended, next] = await Promise.allSettled([pool.encode(request(0)), pool.encode(request(2))]);
    expect(ended).toMatchObject({
      status: 'rejected',
      reason: { code: 'ENCODING_THREAD', message: 'a thread that encodes files ended: exit code 3' },
    });
    expect(next.status).toBe('fulfilled');
  });

  it('fails a request that the thread cannot encode, and keeps the thread', async () => {
    await using pool = new EncodingPool({ size: 1, script: SCRIPT });
    const [before] = await pool.encode(request(2));
    await expect(pool.encode(request(1))).rejects.toThrow(new RangeError('one row'));
    expect((await pool.encode(request(2)))[0]).toEqual(before);
  });

  it('fails all requests when it is disposed', async () => {
    const pool = new EncodingPool({ size: 1, script: SCRIPT });
    const requests = [pool.encode(request(2)), pool.encode(request(2))];
    const results = Promise.allSettled(requests);
    await pool[Symbol.asyncDispose]();
    expect((await results).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect(pool.encode(request(2))).rejects.toThrow('the threads have been stopped');
  });
});
