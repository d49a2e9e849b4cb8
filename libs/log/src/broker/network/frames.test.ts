import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameSplitter } from './frames.js';

function framed(content: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(content.length);
  return Buffer.concat([length, content]);
}

describe(FrameSplitter, () => {
  it('returns the frames of a stream, however it is split, and does not refer to the chunks', () => {
    const contents = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(contents, fc.array(fc.integer({ min: 1, max: 30 })), (all, lengths) => {
        const frames: Buffer[] = [];
        const splitter = new FrameSplitter(
          () => 1_000,
          (frame) => frames.push(frame),
        );
        let stream = Buffer.concat(all.map((content) => framed(Buffer.from(content))));
        for (const length of [...lengths, stream.length]) {
          const chunk = Buffer.from(stream.subarray(0, length));
          splitter.push(chunk);
          chunk.fill(0xee);
          stream = stream.subarray(length);
        }
        expect(frames).toEqual(all.map((content) => Buffer.from(content)));
        expect(splitter.isPartial).toBe(false);
      }),
    );
  });

  it('acquires memory as bytes arrive, and releases what it has replaced', () => {
    const acquired: number[] = [];
    const released: number[] = [];
    const frames: Buffer[] = [];
    const splitter = new FrameSplitter(
      () => 2_000_000,
      (frame) => frames.push(frame),
      {
        acquire: (length) => {
          acquired.push(length);
          return Buffer.alloc(length);
        },
        release: ({ length }) => released.push(length),
      },
    );
    const content = Buffer.alloc(1_500_000, 'content');
    const stream = framed(content);
    splitter.push(stream.subarray(0, 4));
    expect(acquired).toEqual([]);
    expect(splitter.partialBytes).toBe(0);
    for (let at = 4; at < stream.length; at += 64_000) {
      splitter.push(stream.subarray(at, at + 64_000));
      const arrived = at + 64_000 - 4;
      expect(acquired.at(-1)).toBeLessThanOrEqual(Math.max(256 << 10, 2 * arrived));
      if (splitter.isPartial) expect(splitter.partialBytes).toBe(acquired.at(-1));
    }
    expect(frames).toEqual([content]);
    expect(released).toEqual(acquired.slice(0, -1));
    expect(acquired.at(-1)).toBe(content.length);
  });
});
