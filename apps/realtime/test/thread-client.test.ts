import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ThreadClient } from '../src/threads/thread-client.js';
import { temporaryFolder } from './_util.js';

interface TestCalls {
  /** Is answered by the next `release`, after it. */
  readonly hold: { readonly argument: string; readonly result: string };
  readonly release: { readonly argument: null; readonly result: string };
  /** The argument is the field of the error. */
  readonly refuse: { readonly argument: string | null; readonly result: never };
  /** Is answered with what the client sends when it is asked. */
  readonly ask: { readonly argument: string; readonly result: string };
  /** Throws an error with these properties. */
  readonly crash: { readonly argument: { readonly code?: string }; readonly result: never };
  readonly exit: { readonly argument: null; readonly result: never };
}

const WORKER = `
  import { parentPort, workerData } from 'node:worker_threads';
  const post = (message) => parentPort.postMessage(message);
  const held = [];
  const asked = [];
  const answers = {
    hold: ({ id, argument }) => held.push({ kind: 'done', id, result: workerData + argument }),
    release: ({ id }) => [{ kind: 'done', id, result: 'released' }, ...held].forEach(post),
    refuse: ({ id, argument }) =>
      post({ kind: 'failed', id, code: 'OFFSETS_DELETED', field: argument, message: 'refused' }),
    ask: ({ id, argument }) => {
      asked.push(id);
      post({ kind: 'question', text: argument });
    },
    answer: ({ text }) => post({ kind: 'done', id: asked.shift(), result: text }),
    crash: ({ argument }) => {
      throw Object.assign(new Error('crashed'), argument);
    },
    exit: () => process.exit(),
  };
  parentPort.on('message', (message) => void answers[message.kind](message));
`;

describe(ThreadClient, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let file: string;
  beforeAll(async () => {
    folder = await temporaryFolder();
    file = join(folder.path, 'test.worker.mjs');
    await writeFile(file, WORKER);
  });
  afterAll(() => folder[Symbol.asyncDispose]());

  const start = () =>
    new ThreadClient<
      TestCalls,
      { readonly kind: 'question'; readonly text: string },
      { readonly kind: 'answer'; readonly text: string }
    >({
      file,
      data: 'data and ',
      maxHeapMb: 32,
      reasons: { closed: 'the test was over', outOfMemory: 'the test needs more memory' },
    });

  it('resolves calls with their answers, in any order', async () => {
    await using client = start();
    const resolved: string[] = [];
    const note = (result: string): unknown => resolved.push(result);
    await Promise.all([client.call('hold', 'argument').then(note), client.call('release', null).then(note)]);
    expect(resolved).toEqual(['released', 'data and argument']);
  });

  it.each<[string | null, object]>([
    [null, { name: 'HistoryError', code: 'OFFSETS_DELETED', message: 'refused' }],
    ['from', { name: 'QueryError', field: 'from', message: 'refused' }],
  ])('rejects a call that fails because of the field %s, and only that call', async (field, error) => {
    await using client = start();
    await expect(client.call('refuse', field)).rejects.toMatchObject(error);
    expect(client.hasEnded).toBe(false);
    expect(await client.call('release', null)).toBe('released');
  });

  it('exchanges other messages with the thread while it answers', async () => {
    await using client = start();
    client.listen(({ text }) => client.send({ kind: 'answer', text: `${text} heard` }));
    expect(await client.call('ask', 'question')).toBe('question heard');
  });

  it.each<[TestCalls['crash']['argument'], object]>([
    [{}, { code: 'FAILED', message: 'crashed' }],
    [{ code: 'ERR_WORKER_OUT_OF_MEMORY' }, { code: 'LIMIT_EXCEEDED', message: 'the test needs more memory' }],
  ])('rejects all calls once the thread has failed with %j', async (properties, error) => {
    await using client = start();
    const held = client.call('hold', 'argument');
    const crashed = client.call('crash', properties);
    await Promise.all([held, crashed].map((call) => expect(call).rejects.toMatchObject(error)));
    expect(client.hasEnded).toBe(true);
    await expect(client.call('release', null)).rejects.toMatchObject(error);
  });

  it('rejects calls once the thread has ended', async () => {
    await using client = start();
    const ended = { code: 'FAILED', message: 'the worker thread has ended' };
    await expect(client.call('exit', null)).rejects.toMatchObject(ended);
    expect(client.hasEnded).toBe(true);
  });

  it('rejects calls once it is disposed', async () => {
    const client = start();
    const closed = { code: 'CLOSED', message: 'the test was over' };
    const held = client.call('hold', 'argument');
    await Promise.all([expect(held).rejects.toMatchObject(closed), client[Symbol.asyncDispose]()]);
    await expect(client.call('release', null)).rejects.toMatchObject(closed);
  });
});
