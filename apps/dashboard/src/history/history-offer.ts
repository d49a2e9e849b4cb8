import type { HistoryRange } from '@hailstream/events/live';
import type { Answer } from '../connection/request.js';
import { Store } from '../store.js';

/** How often the range is requested again. */
const REFRESH_EVERY_MS = 30_000;

/** Pause after a request without a range, or while an earlier history is read. */
const RETRY_AFTER_MS = 5_000;

type OfferedHistory =
  | { readonly kind: 'unknown' }
  /** The service shows the present only. */
  | { readonly kind: 'none' }
  | { readonly kind: 'range'; readonly range: HistoryRange };

/** The moments that the service can show. */
export class HistoryOffer {
  readonly offered = new Store<OfferedHistory>({ kind: 'unknown' });
  private readonly request: () => Promise<Answer<HistoryRange>>;

  constructor(request: () => Promise<Answer<HistoryRange>>) {
    this.request = request;
  }

  /** Requests the range, now and again, unless the service has none. */
  async load(): Promise<void> {
    const answer = await this.request();
    if (answer.kind === 'refused') return;
    if (answer.kind === 'ok') this.offered.set({ kind: 'range', range: answer.body });
    else if (answer.status === 404) {
      this.offered.set({ kind: 'none' });
      return;
    }
    const isComplete = answer.kind === 'ok' && answer.body.backfill === null;
    setTimeout(() => void this.load(), isComplete ? REFRESH_EVERY_MS : RETRY_AFTER_MS);
  }
}
