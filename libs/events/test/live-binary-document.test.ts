import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LiveFrame } from '@hailstream/events/live';
import { encodeLiveFrame } from '@hailstream/events/live-binary';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { frameSequences } from './_live-frames.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));

interface Decoder {
  decode(bytes: Uint8Array): { readonly message: 'snapshot' | 'frame'; readonly frame: LiveFrame };
}

/** The module in docs/live.md, which shares no code with the encoder. */
async function documentedDecoder(): Promise<Decoder> {
  const document = await readFile(join(root, 'docs', 'live.md'), 'utf8');
  const code = /```js\n([^`]*export function decode.*?)```/s.exec(document)?.[1] ?? '';
  return (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as Decoder;
}

it('the decoder in docs/live.md decodes all frames', async () => {
  const { decode } = await documentedDecoder();
  fc.assert(
    fc.property(frameSequences, (sequence) => {
      for (const { frame, numbers, whole } of sequence) {
        const decoded = decode(encodeLiveFrame(frame, numbers, { whole }));
        expect(decoded).toEqual({ message: whole ? 'snapshot' : 'frame', frame });
      }
    }),
  );
});
