import { backoffMs, withJitter } from '@hailstream/service/backoff';
import { sleep } from '@hailstream/service/timers';
import { eventRegistry } from '@hailstream/events';
import type { Logger } from '@hailstream/service/logging';
import type { Erasures } from '../../erasures/erasures.js';
import type { JobOf } from '../../router-file/router-file.js';
import type { BatchResult, BatchSink, RefusedRecord, RoutedBatch } from '../batch-sink.js';
import type { SinkCredentials } from '../credentials.js';
import { EventOutput } from '../event-output.js';
import { SinkError } from '../sink.errors.js';
import { itemResults, type ItemResult } from './bulk-response.js';
import { toBulkOperation, writeOperation, type BulkOperation } from './document.js';
import { IndexNames, indexPattern } from './index-name.js';
import { DocumentEraser } from './document-eraser.js';
import { indexTemplate } from './index-template.js';
import { OpenSearchClient, RequestTooLargeError } from './opensearch-client.js';

/** Attempts to send the rejected operations of a batch before the whole batch is delivered again. */
const MAX_ATTEMPTS = 12;
/** Requests only the parts of the response that are used. */
const BULK_PATH = '/_bulk?filter_path=items.*.status,items.*.error';
const ITEM_BACKOFF = { firstMs: 50, maxMs: 2_000 };

interface OpenSearchSinkOptions {
  readonly credentials: SinkCredentials;
  readonly erasures: Erasures;
  readonly logger: Logger;
}

/** Stores events as documents of an OpenSearch or Elasticsearch cluster, each once. */
export class OpenSearchSink implements BatchSink {
  private readonly client: OpenSearchClient;
  private readonly indexNames: IndexNames;
  private readonly eraser: DocumentEraser;

  constructor(
    private readonly spec: Pick<JobOf<'opensearch'>, 'sink' | 'topics'>,
    { credentials, erasures, logger }: OpenSearchSinkOptions,
  ) {
    this.client = new OpenSearchClient(spec.sink.url, credentials.openSearch);
    this.indexNames = new IndexNames(spec.sink.index);
    const patterns = spec.topics
      .filter((topic) => eventRegistry.byTopic.has(topic))
      .map((topic) => indexPattern(spec.sink.index, topic));
    this.eraser = new DocumentEraser({ client: this.client, patterns, erasures, logger });
  }

  /** Also creates the index templates, or replaces them. */
  async check(): Promise<void> {
    await this.client.request({ method: 'GET', path: '/' });
    const patterns = new Set(this.spec.topics.map((topic) => indexPattern(this.spec.sink.index, topic)));
    for (const pattern of patterns) {
      const { name, body } = indexTemplate(pattern);
      const path = `/_index_template/${encodeURIComponent(name)}`;
      await this.client.request({ method: 'PUT', path, body: JSON.stringify(body) });
    }
  }

  deliver(batch: RoutedBatch, signal: AbortSignal): Promise<BatchResult> {
    return this.eraser.afterWrite(this.index(batch, signal));
  }

  erase(signal: AbortSignal): Promise<void> {
    return this.eraser.erase(signal);
  }

  assigned(): void {
    this.eraser.eraseLater();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.eraser[Symbol.asyncDispose]();
    await this.client[Symbol.asyncDispose]();
  }

  private async index(batch: RoutedBatch, signal: AbortSignal): Promise<BatchResult> {
    const refused: RefusedRecord[] = [];
    let repeated = 0;
    let pending: BulkOperation[] = [];
    for (const routed of batch.records) {
      try {
        pending.push(toBulkOperation(routed, batch, this.indexNames));
      } catch (reason) {
        refused.push({ record: routed.record, reason: reason as Error });
      }
    }
    for (let attempt = 1; pending.length > 0; attempt += 1) {
      const results = await this.send(pending, signal);
      const overloaded: BulkOperation[] = [];
      let failure: SinkError | undefined;
      for (const [index, operation] of pending.entries()) {
        const result = results[index]!;
        if (result.kind === 'repeated') repeated += 1;
        if (result.kind === 'refused') refused.push({ record: operation.record, reason: result.error });
        if (result.kind !== 'unavailable') continue;
        overloaded.push(operation);
        failure = result.error;
      }
      if (failure && attempt === MAX_ATTEMPTS) throw failure;
      pending = overloaded;
      if (failure) await sleep(withJitter(backoffMs(attempt - 1, ITEM_BACKOFF)), signal);
      signal.throwIfAborted();
    }
    return { refused, repeated };
  }

  /** Sends operations in one request, or in more if the cluster accepts only smaller ones. Results are in the same order. */
  private async send(
    operations: readonly BulkOperation[],
    signal: AbortSignal,
  ): Promise<readonly ItemResult[]> {
    try {
      const body = bodyOf(operations);
      const response = await this.client.request({ method: 'POST', path: BULK_PATH, body, signal });
      return itemResults(response, operations.length);
    } catch (error) {
      if (!(error instanceof RequestTooLargeError)) throw error;
      if (operations.length === 1) {
        const reason = new SinkError('REFUSED', error.message, { retryable: false, cause: error });
        return [{ kind: 'refused', error: reason }];
      }
      const middle = Math.ceil(operations.length / 2);
      const first = await this.send(operations.slice(0, middle), signal);
      return [...first, ...(await this.send(operations.slice(middle), signal))];
    }
  }
}

function bodyOf(operations: readonly BulkOperation[]): Buffer {
  const size = ({ action, event, fields }: BulkOperation) => action.length + event.length + fields.length + 4;
  const output = new EventOutput(operations.reduce((sum, operation) => sum + size(operation), 0));
  for (const operation of operations) writeOperation(output, operation);
  return output.bytes();
}
