import { performance } from 'node:perf_hooks';

/** Maximum time of work in one turn of the event loop, in addition to the piece of work that exceeds it. */
const SLICE_MS = 5;

/** What a party may use of the processor before it is the next party's turn. A piece that exceeds it is paid off in later turns. */
const QUANTUM_MS = 1;

/**
 * How long the rate of work is measured while work waits, and the number of such windows of which the highest rate counts: the
 * process may pause in several of them. If work becomes more expensive, waits are taken for shorter until all are of that time.
 */
const WINDOW_MS = 50;
const WINDOWS = 10;

/** A piece of work that blocks the event loop. */
interface Piece {
  readonly since: number;
  /** What it costs in comparison to others, as far as that is known before. */
  readonly units: number;
  /** Called with how long it has waited. */
  readonly work: (waitedMs: number) => void;
}

/** The work of one party. */
export interface Party {
  readonly waiting: Piece[];
  waitingUnits: number;
  /** Processor time that is left in its turn; negative if it has used more. */
  budgetMs: number;
}

export function newParty(): Party {
  return { waiting: [], waitingUnits: 0, budgetMs: 0 };
}

/**
 * Runs pieces of work that block the event loop. While there is little to do, they run at once. Beyond 5 ms of work in a turn
 * of the loop, they wait: each party's in its order, and the parties take turns of equal processor time, so that a party with
 * much or expensive work delays that of others by little, and connections are served in between.
 */
export class FairQueue {
  private readonly parties = new Set<Party>();
  private isTurnTimed = false;
  private turnStartedAt = 0;
  private totalUnits = 0;
  /** Units per millisecond while work waited, in the last windows. */
  private rates: readonly number[] = [];
  private windowStartedAt = 0;
  private windowUnits = 0;

  constructor(private readonly now: () => number = () => performance.now()) {}

  run(party: Party, units: number, work: (waitedMs: number) => void): void {
    const now = this.now();
    if (!this.isTurnTimed) this.startTurn(now);
    // Work at once would be ahead of what waits.
    if (this.parties.size === 0 && now - this.turnStartedAt < SLICE_MS) {
      work(0);
      return;
    }
    if (this.parties.size === 0) {
      this.startWindow(now);
      party.budgetMs = 0;
    }
    if (party.waiting.length === 0) this.parties.add(party);
    party.waiting.push({ since: now, units, work });
    party.waitingUnits += units;
    this.totalUnits += units;
  }

  /**
   * How long a further piece would wait, at most, if no other party begins to use the processor: until all that waits has run,
   * and not longer than until each party has used as much as this one.
   */
  expectedWaitMs({ waitingUnits }: Party, units: number): number {
    // A single window may be a pause.
    if (this.rates.length < 2) return 0;
    return Math.min(this.totalUnits, this.parties.size * (waitingUnits + units)) / Math.max(...this.rates);
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
    let now = startedAt;
    while (this.parties.size > 0 && now - startedAt < SLICE_MS) now = this.runTurnOfNext(now, startedAt);
    if (this.parties.size === 0) return;
    this.measure(now);
    this.startTurn(startedAt);
  }

  /** Returns the time after it. */
  private runTurnOfNext(startedAt: number, sliceStartedAt: number): number {
    const [party] = this.parties;
    let now = startedAt;
    if (party === undefined) return now;
    party.budgetMs = Math.min(QUANTUM_MS, party.budgetMs + QUANTUM_MS);
    while (party.budgetMs > 0 && party.waiting.length > 0 && now - sliceStartedAt < SLICE_MS) {
      this.runFirst(party, now);
      const endedAt = this.now();
      party.budgetMs -= endedAt - now;
      now = endedAt;
    }
    this.parties.delete(party);
    if (party.waiting.length > 0) this.parties.add(party);
    else party.budgetMs = Math.min(0, party.budgetMs);
    return now;
  }

  private runFirst(party: Party, now: number): void {
    const { since, units, work } = party.waiting.shift()!;
    party.waitingUnits -= units;
    this.totalUnits -= units;
    this.windowUnits += units;
    work(now - since);
  }

  private startWindow(now: number): void {
    this.windowStartedAt = now;
    this.windowUnits = 0;
  }

  private measure(now: number): void {
    const elapsedMs = now - this.windowStartedAt;
    if (elapsedMs < WINDOW_MS) return;
    this.rates = [...this.rates.slice(1 - WINDOWS), this.windowUnits / elapsedMs];
    this.startWindow(now);
  }
}
