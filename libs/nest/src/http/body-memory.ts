import { performance } from 'node:perf_hooks';
import { ProblemError } from './problem.js';

/** A body that takes longer to arrive is slow: it is refused if other requests need its memory. */
const SLOW_AFTER_MS = 1_000;

interface BodyMemoryLimits {
  readonly totalBytes: number;
  /** Of one party. A single body may be larger. */
  readonly partyBytes: number;
}

/** A body that uses memory. */
export interface HeldBody<Party> {
  readonly party: Party;
  /** As much as is reserved for it. */
  bytes: number;
  /** Monotonic time in milliseconds. */
  readonly since: number;
  /** Called if it is slow and others need the memory. It is released then. */
  readonly onSlow: (problem: ProblemError) => void;
  isReleased: boolean;
}

interface Holder<Party> {
  bytes: number;
  arrivingBytes: number;
  /** Bodies that have not arrived completely, the oldest first. */
  arriving: Set<HeldBody<Party>>;
}

/**
 * The memory for bodies of requests, of which each party has a share. It is reserved by the headers of a request, and used until
 * the request is answered. If none is left, bodies that arrive slowly are refused, those of the party with most of them first:
 * no sender can keep others out by not sending what it has announced.
 */
export class BodyMemory<Party> {
  private holders = new Map<Party, Holder<Party>>();
  private bytes = 0;

  constructor(
    private readonly limits: BodyMemoryLimits,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Bytes of all bodies. */
  get heldBytes(): number {
    return this.bytes;
  }

  /** Bytes of the bodies of a party. */
  heldBy(party: Party): number {
    return this.holders.get(party)?.bytes ?? 0;
  }

  /** Reserves memory for a body. Returns what is full if there is no room: the share of the party, or all of it. */
  hold(
    party: Party,
    { bytes, onSlow }: Pick<HeldBody<Party>, 'bytes' | 'onSlow'>,
  ): HeldBody<Party> | 'share' | 'total' {
    const since = this.now();
    const own = this.holders.get(party);
    while (own !== undefined && own.bytes > 0 && own.bytes + bytes > this.shareOf(own)) {
      if (!this.refuseSlow(own, since)) return 'share';
    }
    while (this.bytes + bytes > this.limits.totalBytes) {
      const busiest = this.busiest(since);
      if (busiest === undefined || !this.refuseSlow(busiest, since)) return 'total';
    }
    const body = { party, bytes, since, onSlow, isReleased: false };
    const holder = this.holders.get(party) ?? { bytes: 0, arrivingBytes: 0, arriving: new Set() };
    this.holders.set(party, holder);
    holder.arriving.add(body);
    holder.arrivingBytes += bytes;
    this.add(holder, bytes);
    return body;
  }

  /** The body has arrived completely. */
  arrive(body: HeldBody<Party>): void {
    const holder = this.holders.get(body.party);
    if (holder?.arriving.delete(body) !== true) return;
    holder.arrivingBytes -= body.bytes;
    // A set or map that is emptied again and again would keep its former contents until a major garbage collection: each table of
    // it refers to the next one, also after it was replaced.
    if (holder.arriving.size === 0) holder.arriving = new Set();
  }

  /** The size of a body is known, which must have arrived. */
  resize(body: HeldBody<Party>, bytes: number): void {
    const holder = this.holders.get(body.party);
    if (body.isReleased || holder === undefined) return;
    this.arrive(body);
    this.add(holder, bytes - body.bytes);
    body.bytes = bytes;
  }

  /** Once or more often. */
  release(body: HeldBody<Party>): void {
    const holder = this.holders.get(body.party);
    if (body.isReleased || holder === undefined) return;
    this.arrive(body);
    body.isReleased = true;
    this.add(holder, -body.bytes);
    if (holder.bytes === 0) this.holders.delete(body.party);
    if (this.holders.size === 0) this.holders = new Map();
  }

  /** If others have bodies as well, a party has at most as much as is free, so that however many there are, there is room for another one. */
  private shareOf({ bytes }: Holder<Party>): number {
    const { partyBytes, totalBytes } = this.limits;
    return this.bytes === bytes ? partyBytes : Math.min(partyBytes, totalBytes - this.bytes);
  }

  private add(holder: Holder<Party>, bytes: number): void {
    holder.bytes += bytes;
    this.bytes += bytes;
  }

  /** The one with most bytes of bodies that arrive, if one of them is slow. */
  private busiest(now: number): Holder<Party> | undefined {
    let busiest: Holder<Party> | undefined;
    for (const holder of this.holders.values()) {
      if (!hasSlow(holder, now)) continue;
      if (busiest === undefined || holder.arrivingBytes > busiest.arrivingBytes) busiest = holder;
    }
    return busiest;
  }

  /** Refuses the oldest body of a party if it is slow. Returns whether it was. */
  private refuseSlow({ arriving }: Holder<Party>, now: number): boolean {
    const [oldest] = arriving;
    if (oldest === undefined || !isSlow(oldest, now)) return false;
    this.release(oldest);
    oldest.onSlow(arrivesSlowly());
    return true;
  }
}

function hasSlow<Party>({ arriving }: Holder<Party>, now: number): boolean {
  const [oldest] = arriving;
  return oldest !== undefined && isSlow(oldest, now);
}

function isSlow({ since }: { readonly since: number }, now: number): boolean {
  return now - since >= SLOW_AFTER_MS;
}

/** The rest of the body is not expected, so the connection is closed. */
function arrivesSlowly(): ProblemError {
  return new ProblemError({
    status: 408,
    title: 'Request Timeout',
    detail: 'the body did not arrive while other requests needed its memory; it was discarded, send it again',
    headers: { connection: 'close' },
  });
}
