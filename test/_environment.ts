import { basename } from 'node:path';
import pg from 'pg';
import { inject } from 'vitest';
import type {} from '@hailstream/tools/test-postgres';
import type { GivenKafka } from './_given-kafka.js';

/*
 * The same tests run on a system with a log and a Postgres of its own, and on one that was given both. This is all that
 * differs; a test does not know which it has.
 */

const givenKafka = (): GivenKafka | undefined => inject('givenKafka');
const givenDatabaseUrl = (): string | undefined => inject('databaseUrl');

/** What a system on this home folder is told: topics and a database that no other uses. */
export function environmentOf(home: string): Record<string, string> {
  const kafka = givenKafka();
  return {
    ...(kafka && { KAFKA_BROKERS: kafka.brokers, LOG_TOPIC_PREFIX: `${basename(home)}.` }),
    ...(givenDatabaseUrl() !== undefined && { DATABASE_URL: databaseUrlOf(home) }),
  };
}

/** Makes the database that a system on this home folder is to use, where it has none of its own. */
export async function makeDatabase(home: string): Promise<void> {
  await inGivenPostgres(`CREATE DATABASE "${basename(home)}"`);
}

export async function dropDatabase(home: string): Promise<void> {
  await inGivenPostgres(`DROP DATABASE "${basename(home)}" WITH (FORCE)`);
}

/** Pauses, resumes or kills the log that was given. Returns whether there is one. */
export async function strikeGivenLog(fault: 'pause' | 'resume' | 'kill'): Promise<boolean> {
  const kafka = givenKafka();
  if (!kafka) return false;
  if (kafka.faultsUrl === null) throw new Error('KAFKA_BROKERS is not ours to pause or kill');
  const response = await fetch(`${kafka.faultsUrl}/${fault}`, { method: 'POST' });
  if (!response.ok) throw new Error(`cannot ${fault} the log: ${await response.text()}`);
  return true;
}

async function inGivenPostgres(sql: string): Promise<void> {
  const connectionString = givenDatabaseUrl();
  if (connectionString === undefined) return;
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

function databaseUrlOf(home: string): string {
  const url = new URL(givenDatabaseUrl() ?? '');
  url.pathname = `/${basename(home)}`;
  return url.href;
}
