import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FolderInUseError } from '@hailstream/service/folder-lock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KeyframeFolder } from './keyframe-folder.js';

describe(KeyframeFolder, () => {
  let path = '';
  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'hailstream-folder-'));
  });
  afterEach(() => rm(path, { recursive: true }));

  it('uses the folder itself until it is switched to another series, also when opened again', async () => {
    const folder = new KeyframeFolder(path);
    expect([folder.current, folder.next]).toEqual([path, join(path, '000001')]);
    await folder.switchToNext();
    await folder.switchToNext();
    for (const each of [folder, new KeyframeFolder(path)]) {
      expect([each.current, each.next]).toEqual([join(path, '000002'), join(path, '000003')]);
    }
  });

  it('removes the files of previous series, and leaves other files', async () => {
    const folder = new KeyframeFolder(path);
    for (const name of ['000001', '000002', '000003']) await mkdir(join(path, name));
    for (const name of ['000000000007.keyframe', 'journal', 'late-000000000007', 'notes.txt']) {
      await writeFile(join(path, name), '');
    }
    await folder.removePrevious();
    expect(await readdir(path)).toHaveLength(7);
    await folder.switchToNext();
    await folder.switchToNext();
    await folder.removePrevious();
    expect((await readdir(path)).sort()).toEqual(['000002', '000003', 'current', 'notes.txt']);
    await folder.removeNext();
    expect((await readdir(path)).sort()).toEqual(['000002', 'current', 'notes.txt']);
  });

  it('is locked until it is closed', () => {
    const [one, other] = [new KeyframeFolder(path), new KeyframeFolder(path)];
    one.lock();
    one.lock();
    expect(() => other.lock()).toThrow(FolderInUseError);
    one.close();
    other.lock();
    other.close();
  });
});
