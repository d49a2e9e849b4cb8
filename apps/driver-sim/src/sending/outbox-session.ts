import type { IngestToken } from '../ingest-token.js';
import { IngestClient } from '../outbox/ingest-client.http.js';
import {
  IngestRefusedError,
  MAX_REQUESTS_IN_FLIGHT,
  Outbox,
  type OutboxCounts,
  type OutboxObserver,
} from '../outbox/outbox.js';
import type { ProgressScreen } from './progress-screen.js';

/** Maximum number of lines and rejected events of one kind that are listed; all are counted. */
export const MAX_LISTED = 20;

/** Maximum outage of ingest; after it, the command fails. */
const UNAVAILABLE_TIMEOUT_MS = 600_000;

/** Maximum wait for events in flight after a signal to stop. */
const STOP_TIMEOUT_MS = 5_000;

/** Counts of one kind of events. */
export type SentCounts = Pick<OutboxCounts, 'sent' | 'accepted' | 'rejected' | 'retried'>;

/** The counts that a command reports. */
export function sentCounts({ sent, accepted, rejected, retried }: OutboxCounts): SentCounts {
  return { sent, accepted, rejected, retried };
}

/** An outbox of a command that sends a file and ends: problems are printed, and a long outage ends it. */
export class OutboxSession implements AsyncDisposable {
  readonly outbox: Outbox;
  private readonly client: IngestClient;
  private readonly outageTimer: OutageTimer;

  constructor(ingest: { readonly url: URL; readonly token: IngestToken }, screen: ProgressScreen) {
    this.client = new IngestClient({ ...ingest, maxConnections: MAX_REQUESTS_IN_FLIGHT });
    this.outageTimer = new OutageTimer((error) => this.outbox.fail(error));
    this.outbox = new Outbox({ client: this.client, observer: outboxObserver(screen, this.outageTimer) });
  }

  /** Waits until every event is accepted or rejected; after `signal`, for a few seconds only. */
  async whenSent(signal: AbortSignal): Promise<void> {
    await this.outbox.whenAtMost(0, afterSignal(signal));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.outbox[Symbol.dispose]();
    this.outageTimer[Symbol.dispose]();
    await this.client[Symbol.asyncDispose]();
  }
}

/** Returns a signal that is aborted {@link STOP_TIMEOUT_MS} after `signal`. */
function afterSignal(signal: AbortSignal): AbortSignal {
  const later = new AbortController();
  const wait = (): unknown => setTimeout(() => later.abort(), STOP_TIMEOUT_MS).unref();
  if (signal.aborted) wait();
  else signal.addEventListener('abort', wait, { once: true });
  return later.signal;
}

function outboxObserver(screen: ProgressScreen, outageTimer: OutageTimer): OutboxObserver {
  let rejected = 0;
  return {
    unavailable: (reason) => {
      outageTimer.start(reason);
      screen.print(`ingest is unavailable (${reason}), retrying`);
    },
    recovered: () => {
      outageTimer.stop();
      screen.print('ingest has recovered');
    },
    rejected: (_kind, id, reason) => {
      rejected += 1;
      if (rejected <= MAX_LISTED) screen.print(`rejected ${id}: ${reason}`);
    },
    // The command throws the error, and its caller prints it.
    failed: () => {},
  };
}

/** Ends the command if ingest stays unavailable. */
class OutageTimer implements Disposable {
  private readonly giveUp: (error: Error) => void;
  private timer: NodeJS.Timeout | undefined;

  constructor(giveUp: (error: Error) => void) {
    this.giveUp = giveUp;
  }

  start(reason: string): void {
    const minutes = UNAVAILABLE_TIMEOUT_MS / 60_000;
    const error = new IngestRefusedError(`ingest was unavailable for ${minutes} minutes: ${reason}`);
    this.timer = setTimeout(() => this.giveUp(error), UNAVAILABLE_TIMEOUT_MS);
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}
