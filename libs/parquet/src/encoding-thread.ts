import { parentPort } from 'node:worker_threads';
import type { EncodingReply } from './encoding-pool.js';
import { encodeFiles, type EncodingRequest } from './parquet-file.js';

/* The thread of an EncodingPool: encodes one request after the other. */

parentPort!.on('message', (request: EncodingRequest) => {
  void encode(request);
});

async function encode(request: EncodingRequest): Promise<void> {
  try {
    const files = await encodeFiles(request);
    const reply: EncodingReply = { kind: 'encoded', files };
    parentPort!.postMessage(
      reply,
      files.map(({ buffer }) => buffer),
    );
  } catch (error) {
    const reply: EncodingReply = { kind: 'failed', error: error as Error };
    parentPort!.postMessage(reply);
  }
}
