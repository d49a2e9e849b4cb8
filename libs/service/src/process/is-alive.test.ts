import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { platform } from 'node:os';
import { describe, expect, it } from 'vitest';
import { isAlive, processStartTicks } from './is-alive.js';

describe('isAlive', () => {
  it('distinguishes a running process and one that has ended', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)']);
    await once(child, 'spawn');
    const pid = child.pid ?? 0;
    expect(isAlive(pid)).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(isAlive(pid)).toBe(false);
  });

  it.each([0, -1, NaN, 1.5, undefined])('is false for %s, which is not a process id', (pid) => {
    expect(isAlive(pid)).toBe(false);
  });

  it.runIf(platform() === 'linux')(
    'is false for a process that was not waited for by its parent',
    async () => {
      // The shell starts a process that ends with its input, then becomes a program that waits for no child.
      const script = 'exec 3<&0; cat <&3 >/dev/null & echo $!; exec sleep 600 3<&-';
      const parent = spawn('sh', ['-c', script], { stdio: ['pipe', 'pipe', 'ignore'] });
      const [pid] = (await once(parent.stdout, 'data')) as [Buffer];
      expect(isAlive(Number(pid))).toBe(true);
      // The shell itself would wait for its child.
      await expect.poll(() => readFileSync(`/proc/${parent.pid}/comm`, 'utf8')).toBe('sleep\n');
      parent.stdin.end();
      await expect.poll(() => isAlive(Number(pid))).toBe(false);
      expect(() => process.kill(Number(pid), 0)).not.toThrow();
      parent.kill('SIGKILL');
      await once(parent, 'exit');
    },
  );
});

describe('processStartTicks', () => {
  it.runIf(platform() === 'linux')('stays the same while a process runs', () => {
    expect(processStartTicks(process.pid)).toMatch(/^\d+$/);
    expect(processStartTicks(process.pid)).toBe(processStartTicks(process.pid));
  });

  it('is empty if the process does not exist', () => {
    expect(processStartTicks(2 ** 30)).toBe('');
  });
});
