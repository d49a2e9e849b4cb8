import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { expect, it } from 'vitest';
import { startPostgres } from '../src/postgres.js';

const START_MS = 60_000;

it(
  'runs in a folder that only its owner may enter, as one in the home of root is',
  { timeout: START_MS },
  async () => {
    const closedToOthers = await mkdtemp(join(tmpdir(), 'hailstream-postgres-'));
    try {
      await using postgres = await startPostgres({ dataDir: join(closedToOthers, 'data'), port: 0 });
      const client = new pg.Client(postgres.url);
      await client.connect();
      expect((await client.query('SELECT 42 AS answer')).rows).toEqual([{ answer: 42 }]);
      await client.end();
    } finally {
      await rm(closedToOthers, { recursive: true });
    }
  },
);
