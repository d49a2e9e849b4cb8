import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { pino } from 'pino';
import { appendTransaction, startTestBroker } from '../../src/testing.js';
import { startSecuredBroker } from './secured-broker.js';

async function modes(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await fs.readdir(folder, { recursive: true })) {
    const { mode } = await fs.stat(path.join(folder, entry));
    found[entry] = (mode & 0o777).toString(8);
  }
  return found;
}

describe.skipIf(process.platform === 'win32')('the data directory', () => {
  it('can be read by the user of the broker only', async () => {
    const before = process.umask(0o022);
    try {
      await using broker = await startTestBroker();
      await appendTransaction(broker, { topic: 'rides', values: ['a'], outcome: 'commit' });
      const found = await modes(broker.dataDir);
      expect(Object.keys(found)).toContain(path.join('rides-0', '00000000000000000000.log'));
      const open = Object.entries(found).filter(([, mode]) => mode !== '600' && mode !== '700');
      expect(open).toEqual([]);

      // As an earlier version created it.
      await fs.chmod(broker.dataDir, 0o755);
      await broker.restart();
      expect((await fs.stat(broker.dataDir)).mode & 0o777).toBe(0o700);
    } finally {
      process.umask(before);
    }
  });
});

describe('a users file that every user can read', () => {
  it('is reported', async () => {
    const lines: string[] = [];
    const logger = pino({ level: 'warn' }, { write: (line: string) => lines.push(line) });
    const before = process.umask(0o022);
    try {
      await using _broker = await startSecuredBroker({}, logger);
    } finally {
      process.umask(before);
    }
    expect(lines.join('')).toContain('file with secrets is readable by every user');
    expect(lines.join('')).toContain('sasl.users.file');
  });
});
