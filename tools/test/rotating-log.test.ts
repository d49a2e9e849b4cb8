import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RotatingLog } from '../src/processes/rotating-log.js';

describe('RotatingLog', () => {
  let folder: string;
  let troubles: Error[];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hailstream-log-'));
    troubles = [];
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const write = (path: string, lines: readonly string[], maxBytes = 100): Promise<void> =>
    new Promise((done) => {
      const log = new RotatingLog(path, (error) => troubles.push(error), maxBytes);
      for (const line of lines) log.write(line);
      log.end(done);
    });

  it('appends to an existing file', async () => {
    const path = join(folder, 'a.log');
    await write(path, ['one\n']);
    await write(path, ['two\n']);
    expect(await readFile(path, 'utf8')).toBe('one\ntwo\n');
  });

  it('retains at most two files of the maximum size with the newest lines', async () => {
    const lines = Array.from({ length: 100 }, (_, i) => `line ${String(i).padStart(3, '0')}\n`);
    await write(join(folder, 'a.log'), lines);
    expect((await readdir(folder)).sort()).toEqual(['a.log', 'a.log.1']);
    const [current, previous] = await Promise.all(
      ['a.log', 'a.log.1'].map((it) => readFile(join(folder, it), 'utf8')),
    );
    expect(current!.length).toBeLessThanOrEqual(100);
    expect(previous!.length).toBeLessThanOrEqual(100);
    expect(lines.join('').endsWith(previous! + current!)).toBe(true);
  });

  it('reports once that it cannot write, and does not block the writer', async () => {
    await write(join(folder, 'missing', 'a.log'), ['one\n', 'two\n', 'three\n']);
    expect(troubles.map((error) => (error as NodeJS.ErrnoException).code)).toEqual(['ENOENT']);
  });
});
