import { backoffMs, withJitter } from '@hailstream/service/backoff';
import { sleep } from '@hailstream/service/timers';
import type { JobOf } from '../../router-file/router-file.js';
import type { BatchResult, BatchSink, RefusedRecord, RoutedBatch } from '../batch-sink.js';
import type { SinkCredentials } from '../credentials.js';
import { EventOutput } from '../event-output.js';
import { SinkError } from '../sink.errors.js';
import { signatureHeaders } from './sign.js';

const REFUSAL_BACKOFF = { firstMs: 500, maxMs: 30_000 };
/** Client errors that a later attempt may not have: timeout, too early, too many requests. */
const TRANSIENT_STATUSES = new Set([408, 425, 429]);
/** Longest part of a response that is quoted. */
const MAX_REASON_CHARS = 200;
/** Expected bytes of an item, in addition to the event. */
const ITEM_BYTES = 100;

/**
 * Sends batches to an HTTP endpoint, signed. A batch is delivered once the endpoint responds with 2xx. If it cannot be reached or
 * responds with a transient error, the batch is sent again without a limit. If it refuses a batch `maxAttempts` times, the
 * batch is halved until the refused records are found.
 */
export class WebhookSink implements BatchSink {
  constructor(
    private readonly spec: JobOf<'webhook'>,
    private readonly credentials: SinkCredentials,
  ) {}

  /** Sends nothing: the endpoint may respond to batches only. */
  async check(): Promise<void> {
    this.secret();
  }

  async deliver(batch: RoutedBatch, signal: AbortSignal): Promise<BatchResult> {
    const { maxAttempts } = this.spec.sink;
    let refusal: SinkError | undefined;
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      refusal = await this.send(batch, signal);
      if (refusal === undefined) return { refused: [] };
      if (attempt + 1 < maxAttempts) await sleep(withJitter(backoffMs(attempt, REFUSAL_BACKOFF)), signal);
      signal.throwIfAborted();
    }
    return { refused: await this.findRefused(batch, refusal!, signal) };
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** Sends the halves of a refused batch in order, down to single records. */
  private async findRefused(
    { records, ...partition }: RoutedBatch,
    refusal: SinkError,
    signal: AbortSignal,
  ): Promise<RefusedRecord[]> {
    const [only] = records;
    if (records.length === 1) return [{ record: only!.record, reason: refusal }];
    const middle = Math.ceil(records.length / 2);
    const refused: RefusedRecord[] = [];
    for (const half of [records.slice(0, middle), records.slice(middle)]) {
      const batch = { ...partition, records: half };
      const error = await this.send(batch, signal);
      if (error) refused.push(...(await this.findRefused(batch, error, signal)));
    }
    return refused;
  }

  /**
   * Returns the reason if the endpoint refuses the batch.
   *
   * @throws SinkError if the batch may be accepted later
   */
  private async send(batch: RoutedBatch, signal: AbortSignal): Promise<SinkError | undefined> {
    const { url, timeoutSeconds } = this.spec.sink;
    const body = bodyOf(batch);
    const id = this.idOf(batch);
    let response: Response;
    let text: string;
    try {
      [response, text] = await withTimeout(timeoutSeconds, signal, (abortSignal) =>
        this.post(id, body, abortSignal),
      );
    } catch (error) {
      signal.throwIfAborted();
      throw new SinkError('UNAVAILABLE', `POST ${url}: ${reasonOf(error)}`, {
        retryable: true,
        cause: error,
      });
    }
    if (response.ok) return undefined;
    const { status } = response;
    const message = `POST ${url}: status ${status}: ${text.slice(0, MAX_REASON_CHARS)}`;
    if (status === 401 || status === 403) throw new SinkError('ACCESS_DENIED', message, { retryable: true });
    if (status === 404 || status === 410) throw new SinkError('MISCONFIGURED', message, { retryable: true });
    if (status >= 500 || TRANSIENT_STATUSES.has(status)) {
      throw new SinkError('UNAVAILABLE', message, { retryable: true });
    }
    return new SinkError('REFUSED', message, { retryable: false });
  }

  private async post(id: string, body: Buffer, signal: AbortSignal): Promise<[Response, string]> {
    const timestampSeconds = Math.floor(Date.now() / 1_000);
    const response = await fetch(this.spec.sink.url, {
      method: 'POST',
      body,
      redirect: 'error',
      signal,
      headers: {
        'content-type': 'application/json',
        ...signatureHeaders(this.secret(), { id, timestampSeconds, body }),
      },
    });
    return [response, await response.text()];
  }

  private secret(): string {
    const { webhookSecret } = this.credentials;
    if (webhookSecret !== undefined) return webhookSecret;
    throw new SinkError('MISCONFIGURED', 'a webhook requires WEBHOOK_SECRET', { retryable: true });
  }

  private idOf({ topic, partition, records }: RoutedBatch): string {
    return [this.spec.name, topic, partition, records[0]!.record.offset, records.at(-1)!.record.offset].join(
      '-',
    );
  }
}

/** The events as they are in the log, each with its offset and the time of its receipt. */
function bodyOf({ topic, partition, records }: RoutedBatch): Buffer {
  const output = new EventOutput(
    records.reduce((sum, { record }) => sum + record.value!.length + ITEM_BYTES, 0),
  );
  output.text(`{"topic":${JSON.stringify(topic)},"partition":${partition},"records":[`);
  for (const [index, { record }] of records.entries()) {
    const separator = index === 0 ? '' : ',';
    output.text(`${separator}{"offset":"${record.offset}","received_at":${record.timestampMs},"event":`);
    output.event(record.value!);
    output.text('}');
  }
  output.text(']}');
  return output.bytes();
}

/**
 * Aborts the request after a time, or with `signal`. `AbortSignal.any` with `AbortSignal.timeout` may never abort: Node holds both
 * weakly, so the garbage collector can remove the timeout (https://github.com/nodejs/node/issues/57736).
 */
async function withTimeout<T>(
  timeoutSeconds: number,
  signal: AbortSignal,
  request: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const controller = new AbortController();
  const abort = (): void => controller.abort(signal.reason);
  const fail = (): void => controller.abort(new Error(`no response within ${timeoutSeconds} s`));
  const timer = setTimeout(fail, timeoutSeconds * 1_000);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await request(controller.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
