import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KeyframeStore } from './keyframe-store.js';
import { decodeKeyframe, encodeKeyframe, KeyframeError, type KeyframeHeader } from './keyframe.js';

const header: KeyframeHeader = {
  clusterId: 'cluster',
  topics: { rides: { topicId: 'AAAAAAAAAAAAAAAAAAAAAA', offsets: { 0: '12', 1: '9007199254740993' } } },
  since: null,
  writtenAt: 1_760_000_000_000,
  latest: { event: 1_760_000_000_000, received: null },
  packs: ['0123456789abcdef0123456789abcdef'],
};
const city = Buffer.from('a city');

describe(decodeKeyframe, () => {
  it('returns what was encoded', () => {
    const bytes = Buffer.concat(encodeKeyframe(header, city));
    expect(decodeKeyframe(bytes)).toEqual({ header, city });
  });

  it('refuses a keyframe of another version', () => {
    const bytes = Buffer.concat(encodeKeyframe(header, city));
    const version = bytes[4]!;
    bytes[4] = version - 1;
    const message = `the keyframe has the version ${version - 1}, expected version ${version}`;
    expect(() => decodeKeyframe(bytes)).toThrow(
      expect.objectContaining({ code: 'KEYFRAME_VERSION', message }) as Error,
    );
  });

  it('refuses every damaged or truncated file', () => {
    const bytes = Buffer.concat(encodeKeyframe(header, city));
    for (let at = 0; at < bytes.length; at += 1) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 0x10;
      expect(() => decodeKeyframe(damaged), `byte ${at}`).toThrow(KeyframeError);
      expect(() => decodeKeyframe(bytes.subarray(0, at)), `up to ${at}`).toThrow(KeyframeError);
    }
  });
});

describe(KeyframeStore, () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hailstream-keyframes-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const open = async () => {
    const store = new KeyframeStore(folder);
    await store.open();
    return store;
  };

  it('lists keyframes in the order in which they were written, also after it was opened again', async () => {
    const store = await open();
    await store.write({ ...header, writtenAt: 1 }, city);
    await store.write({ ...header, writtenAt: 2 }, city);
    const again = await open();
    const written = await Promise.all(again.list().map((each) => again.read(each)));
    expect(written.map(({ header: { writtenAt } }) => writtenAt)).toEqual([1, 2]);
    expect((await again.write(header, city)).number).toBe(3);
  });

  it('removes files that were not completed, and leaves other files', async () => {
    await writeFile(join(folder, '000000000007.keyframe.tmp'), 'half');
    await writeFile(join(folder, 'notes.txt'), '');
    expect((await open()).list()).toEqual([]);
    expect(await readdir(folder)).toEqual(['notes.txt']);
  });
});
