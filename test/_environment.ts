import { basename } from 'node:path';
import pg from 'pg';
import { inject } from 'vitest';
import type {} from '@hailstream/tools/test-postgres';
import type { GivenKafka } from './_given-kafka.js';

/*
 * The same tests run on a system with an embedded log and Postgres, and on one with external ones. Only this file
 * depends on which is used.
 */

const givenKafka = (): GivenKafka | undefined => inject('givenKafka');
const givenDatabaseUrl = (): string | undefined => inject('databaseUrl');

/** The environment of a system on this home folder: topics and a database that no other system uses. */
export function environmentOf(home: string): Record<string, string> {
  const kafka = givenKafka();
  return {
    ...(kafka && { KAFKA_BROKERS: kafka.brokers, LOG_TOPIC_PREFIX: `${basename(home)}.` }),
    ...(givenDatabaseUrl() !== undefined && { DATABASE_URL: databaseUrlOf(home) }),
  };
}

/** Creates the database of a system on this home folder, if Postgres is external. */
export async function makeDatabase(home: string): Promise<void> {
  await inGivenPostgres(`CREATE DATABASE "${basename(home)}"`);
}

export async function dropDatabase(home: string): Promise<void> {
  await inGivenPostgres(`DROP DATABASE "${basename(home)}" WITH (FORCE)`);
}

/** Pauses, resumes or kills an external log. Returns whether the log is external. */
export async function strikeGivenLog(fault: 'pause' | 'resume' | 'kill'): Promise<boolean> {
  const kafka = givenKafka();
  if (!kafka) return false;
  if (kafka.faultsUrl === null)
    throw new Error('the cluster of KAFKA_BROKERS cannot be paused or killed by this test');
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
