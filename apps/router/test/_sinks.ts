import { gunzipSync } from 'node:zlib';
import { startTestBroker } from '@hailstream/log/testing';
import { parseRouterFile, type JobSpec } from '../src/router-file/router-file.js';
import { TestOpenSearchServer } from './_opensearch-server.js';
import { readCommitted } from './_kafkajs.js';
import { TestS3Server } from './_s3-server.js';
import { s3Job, searchJob, TELEMETRY } from './_util.js';
import { startReceiver } from './_webhook-receiver.js';

interface SinkFailure {
  /** The code that the job reports. */
  readonly code: string;
  begin(): Promise<void>;
}

/** A sink that can fail, and a job that delivers telemetry to it. */
export interface TestSink extends AsyncDisposable {
  readonly job: JobSpec;
  /** The values that the sink has, parsed if they are JSON, repeats included. */
  stored(): Promise<unknown[]>;
  /** Failures by description. Each lasts until {@link repair}. */
  readonly failures: Readonly<Record<string, SinkFailure>>;
  repair(): Promise<void>;
  /** Delays requests. */
  slowDown(delayMs: number): void;
}

async function openS3(): Promise<TestSink> {
  const s3 = await TestS3Server.start();
  return {
    job: s3Job(s3, { name: 'job', batching: { records: 20, intervalSeconds: 1 } }),
    stored: async () =>
      [...s3.objects]
        .filter(([key]) => key.endsWith('.ndjson.gz'))
        .flatMap(([, { bytes }]) => gunzipSync(bytes).toString('utf8').trimEnd().split('\n'))
        .map(parsed),
    failures: {
      'an outage': failure('UNAVAILABLE', () => (s3.fault = () => 'reset-before')),
      'a missing bucket': failure(
        'MISCONFIGURED',
        () => (s3.fault = () => ({ status: 404, code: 'NoSuchBucket' })),
      ),
      'wrong credentials': failure(
        'ACCESS_DENIED',
        () => (s3.fault = () => ({ status: 403, code: 'InvalidAccessKeyId' })),
      ),
      'expired credentials': failure(
        'ACCESS_DENIED',
        () => (s3.fault = () => ({ status: 400, code: 'ExpiredToken' })),
      ),
    },
    repair: async () => void (s3.fault = () => undefined),
    slowDown: (delayMs) => void (s3.fault = () => ({ delayMs })),
    [Symbol.asyncDispose]: () => s3[Symbol.asyncDispose](),
  };
}

async function openOpenSearch(): Promise<TestSink> {
  const search = await TestOpenSearchServer.start();
  return {
    job: searchJob(search, { name: 'job', batching: { records: 20 } }),
    stored: async () => [...search.documents.values()].map(({ source }) => source),
    failures: {
      'an outage': failure('UNAVAILABLE', () => (search.fault = () => 'reset-before')),
      'an overload': failure('UNAVAILABLE', () => (search.fault = () => ({ status: 429 }))),
      'expired credentials': failure('ACCESS_DENIED', () => (search.fault = () => ({ status: 401 }))),
      'missing permissions': failure('ACCESS_DENIED', () => (search.fault = () => ({ status: 403 }))),
    },
    repair: async () => void (search.fault = () => undefined),
    slowDown: (delayMs) => void (search.fault = () => ({ delayMs })),
    [Symbol.asyncDispose]: () => search[Symbol.asyncDispose](),
  };
}

async function openKafka(): Promise<TestSink> {
  const target = await startTestBroker();
  return {
    job: jobWith({ type: 'kafka', brokers: [target.address] }),
    stored: async () =>
      (await readCommitted(target, TELEMETRY)).map(({ value }) => parsed(value?.toString('latin1'))),
    failures: { 'an outage': { code: 'UNAVAILABLE', begin: () => target.kill() } },
    repair: () => target.restart(),
    slowDown: (delayMs) => target.inject({ api: 'Produce', delayMs, times: 1_000 }),
    [Symbol.asyncDispose]: () => target[Symbol.asyncDispose](),
  };
}

async function openWebhook(): Promise<TestSink> {
  const receiver = await startReceiver();
  return {
    job: jobWith({ type: 'webhook', url: receiver.url }),
    stored: async () => receiver.accepted.flatMap(({ events }) => events),
    failures: {
      'an outage': failure('UNAVAILABLE', () => (receiver.respond = () => 503)),
      'wrong credentials': failure('ACCESS_DENIED', () => (receiver.respond = () => 401)),
      'a missing endpoint': failure('MISCONFIGURED', () => (receiver.respond = () => 404)),
    },
    repair: async () => void (receiver.respond = () => 200),
    slowDown: (delayMs) =>
      void (receiver.respond = () => new Promise((resolve) => setTimeout(resolve, delayMs, 200))),
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  };
}

function failure(code: string, begin: () => unknown): SinkFailure {
  return { code, begin: async () => void begin() };
}

function jobWith(sink: object): JobSpec {
  const job = { name: 'job', topics: [TELEMETRY], sink, batching: { records: 20 } };
  return parseRouterFile(JSON.stringify({ jobs: [job] }), 'router.yaml')[0]!;
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return text;
  }
}

/** A sink of each type, each with nothing stored. */
export const sinks = { s3: openS3, opensearch: openOpenSearch, kafka: openKafka, webhook: openWebhook };
