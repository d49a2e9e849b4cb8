import { sleep } from '@hailstream/service/timers';
import { LogError } from '../core/errors.js';
import { isFenced, toLogError } from '../kafkajs/errors.js';
import type { OutgoingRecord } from '../record/record.js';
import { TransactionAppends } from './transaction-appends.js';
import { TransactionRequests } from './transaction-requests.js';
import type {
  GroupOffset,
  RecordCopies,
  TransactionalProducer,
  TransactionalProducerOptions,
} from './transactional-producer.js';

const TIMEOUT_MS = 30_000;

/**
 * Opens a producer, which fences all others with the same transactional id and ends their transaction.
 *
 * @throws LogError retryable if the cluster is unavailable; `REFUSED` if it refuses the client or the id
 */
export async function openTransactionalProducer(
  options: TransactionalProducerOptions,
): Promise<TransactionalProducer> {
  const requests = new TransactionRequests(options);
  try {
    await within(options, () => requests.init());
  } catch (error) {
    requests[Symbol.dispose]();
    throw toTransactionError(error, `cannot open the transactional producer "${options.transactionalId}"`);
  }
  return new KafkaTransactionalProducer(options, requests);
}

/** {@link TransactionalProducer} over the connections of kafkajs. */
class KafkaTransactionalProducer implements TransactionalProducer {
  private readonly appends: TransactionAppends;

  constructor(
    private readonly options: TransactionalProducerOptions,
    private readonly requests: TransactionRequests,
  ) {
    this.appends = new TransactionAppends(requests, options.compression ?? 'none');
  }

  append(records: Iterable<OutgoingRecord>, groupOffset?: GroupOffset): Promise<void> {
    return this.commit(() => this.appends.appendAll(records), groupOffset);
  }

  appendCopies(copies: RecordCopies, groupOffset?: GroupOffset): Promise<void> {
    return this.commit(() => this.appends.appendCopies(copies), groupOffset);
  }

  [Symbol.dispose](): void {
    this.requests[Symbol.dispose]();
  }

  /** One transaction. `appendRecords` resolves with whether there were any. */
  private async commit(appendRecords: () => Promise<boolean>, groupOffset?: GroupOffset): Promise<void> {
    try {
      await within(this.options, async () => {
        const [hasRecords] = await Promise.all([
          appendRecords(),
          groupOffset && this.requests.commitOffset(groupOffset),
        ]);
        if (hasRecords || groupOffset) await this.requests.end();
      });
    } catch (error) {
      this.requests[Symbol.dispose]();
      throw toTransactionError(error, `transaction of "${this.options.transactionalId}" failed`);
    }
  }
}

/** kafkajs may never settle its promises. */
async function within(
  { timeoutMs = TIMEOUT_MS }: TransactionalProducerOptions,
  work: () => Promise<void>,
): Promise<void> {
  const done = new AbortController();
  const late = async (): Promise<never> => {
    await sleep(timeoutMs, done.signal);
    throw new LogError('TIMED_OUT', `not completed within ${timeoutMs} ms`, true);
  };
  try {
    await Promise.race([work(), late()]);
  } finally {
    done.abort();
  }
}

function toTransactionError(error: unknown, doing: string): LogError {
  if (!isFenced(error)) return toLogError(error, doing);
  const message = `${doing}: another producer was opened with the same id`;
  return new LogError('FENCED', message, false, { cause: error });
}
