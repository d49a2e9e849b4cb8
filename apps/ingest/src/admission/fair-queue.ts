import { performance } from 'node:perf_hooks';

/** Maximum time of work in one turn of the event loop, in addition to the piece of work that exceeds it. */
const SLICE_MS = 5;

/** Pieces of work of one party that wait. */
export interface WaitingWork {
  readonly waiting: { readonly since: number; readonly work: () => void }[];
}

/**
 * Runs pieces of work that block the event loop. While there is little to do, they run at once. Beyond 5 ms of work in a turn
 * of the loop, they wait: each party's in its order, and the parties take turns, so that a party with much work delays the work
 * of the others by little, and connections are served in between.
 */
export class FairQueue {
  private readonly parties = new Set<WaitingWork>();
  private isTurnTimed = false;
  private turnStartedAt = 0;

  constructor(private readonly now: () => number = () => performance.now()) {}

  run(party: WaitingWork, work: () => void): void {
    const now = this.now();
    if (!this.isTurnTimed) this.startTurn(now);
    if (party.waiting.length === 0 && now - this.turnStartedAt < SLICE_MS) {
      work();
      return;
    }
    party.waiting.push({ since: now, work });
    this.parties.add(party);
  }

  /** How long the first piece of work of a party has waited. */
  waitedMs({ waiting: [first] }: WaitingWork): number {
    return first === undefined ? 0 : this.now() - first.since;
  }

  private startTurn(now: number): void {
    this.isTurnTimed = true;
    this.turnStartedAt = now;
    setImmediate(() => this.endTurn());
  }

  /** Callbacks of connections have run in this turn; the work that waits is next. */
  private endTurn(): void {
    this.isTurnTimed = false;
    const startedAt = this.now();
    while (this.parties.size > 0 && this.now() - startedAt < SLICE_MS) this.runNext();
    if (this.parties.size > 0) this.startTurn(startedAt);
  }

  private runNext(): void {
    const [party] = this.parties;
    if (party === undefined) return;
    const next = party.waiting.shift();
    this.parties.delete(party);
    if (party.waiting.length > 0) this.parties.add(party);
    next?.work();
  }
}
