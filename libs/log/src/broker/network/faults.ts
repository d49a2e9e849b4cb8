import type { AnyHandler } from '../handlers/handler.js';

/** What goes wrong with a request, in tests. */
export interface Fault {
  /** API by Kafka's name, e.g. `Produce`. */
  readonly api: string;
  /** How many requests of that API it happens to. @default 1 */
  readonly times?: number;
  /** Waits this long before anything else. */
  readonly delayMs?: number;
  /** Closes the connection and does nothing. */
  readonly dropConnection?: boolean;
  /** Does what is asked, then closes the connection instead of answering. */
  readonly dropAnswer?: boolean;
  /** Does nothing and answers with this code: each partition, where the API has them. */
  readonly errorCode?: number;
}

/** Faults that are to happen, first come first. */
export class Faults {
  private pending: { fault: Fault; left: number }[] = [];

  /** @throws Error where the API can't fail in this way */
  add(fault: Fault, handlers: Iterable<AnyHandler>): void {
    const handler = [...handlers].find(({ name }) => name === fault.api);
    if (handler === undefined) throw new Error(`no API is called ${fault.api}`);
    if (fault.errorCode !== undefined && handler.refuse === undefined) {
      throw new Error(`${fault.api} can't be made to answer an error`);
    }
    this.pending.push({ fault, left: fault.times ?? 1 });
  }

  clear(): void {
    this.pending = [];
  }

  /** The fault that the next request of this API meets. */
  next({ name }: AnyHandler): Fault | undefined {
    if (this.pending.length === 0) return undefined;
    const found = this.pending.find((each) => each.fault.api === name);
    if (found === undefined) return undefined;
    found.left--;
    if (found.left <= 0) this.pending = this.pending.filter((each) => each !== found);
    return found.fault;
  }
}
