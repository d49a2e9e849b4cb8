import type { AnyHandler } from '../handlers/handler.js';

/** A fault to inject into requests, for tests. */
export interface Fault {
  /** Name of the API, e.g. `Produce`. */
  readonly api: string;
  /** Number of requests that are affected. @default 1 */
  readonly times?: number;
  /** Delays the request. */
  readonly delayMs?: number;
  /** Closes the connection without handling the request. */
  readonly dropConnection?: boolean;
  /** Handles the request, then closes the connection instead of sending the response. */
  readonly dropAnswer?: boolean;
  /** Responds with this error code, for each partition if the API has partitions, without handling the request. */
  readonly errorCode?: number;
}

/** Faults to inject, in the order they were added. */
export class Faults {
  private pending: { fault: Fault; left: number }[] = [];

  /** @throws Error if the API is unknown, or cannot respond with an error code */
  add(fault: Fault, handlers: Iterable<AnyHandler>): void {
    const handler = [...handlers].find(({ name }) => name === fault.api);
    if (handler === undefined) throw new Error(`unknown API: ${fault.api}`);
    if (fault.errorCode !== undefined && handler.reject === undefined) {
      throw new Error(`${fault.api} cannot respond with an error code`);
    }
    this.pending.push({ fault, left: fault.times ?? 1 });
  }

  clear(): void {
    this.pending = [];
  }

  /** The fault for the next request of this API. */
  next({ name }: AnyHandler): Fault | undefined {
    if (this.pending.length === 0) return undefined;
    const found = this.pending.find((each) => each.fault.api === name);
    if (found === undefined) return undefined;
    found.left--;
    if (found.left <= 0) this.pending = this.pending.filter((each) => each !== found);
    return found.fault;
  }
}
