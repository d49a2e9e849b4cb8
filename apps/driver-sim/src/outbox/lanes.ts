/** An event as a device keeps it: already in the words it is sent in. */
export interface KeptEvent {
  readonly id: string;
  readonly json: string;
  /** How often it went out. */
  sends: number;
}

/** What became of an event that went out: the log has it, it will never be taken, or it has to go out again. */
export type Verdict = 'accepted' | 'rejected' | 'again';

/** The events of one key, oldest first; the first `out` of them are under way. */
export interface Lane {
  readonly key: string;
  readonly events: KeptEvent[];
  out: number;
  /** Consecutive times that events of this lane had to go out again. */
  setbacks: number;
}

/** Events that leave together: of each lane its oldest ones. */
export interface Batch {
  readonly lanes: readonly Lane[];
  readonly events: readonly KeptEvent[];
}

/**
 * The events that wait for acceptance, in a lane per key. A lane with events under way gives no further ones, so that
 * nothing overtakes an event that is not accepted yet.
 */
export class Lanes {
  readonly #lanes = new Map<string, Lane>();
  readonly #ready = new Set<Lane>();
  #count = 0;

  /** Events kept, those under way included. */
  get count(): number {
    return this.#count;
  }

  put(key: string, event: KeptEvent): void {
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = { key, events: [], out: 0, setbacks: 0 };
      this.#lanes.set(key, lane);
      this.#ready.add(lane);
    }
    lane.events.push(event);
    this.#count += 1;
  }

  /** Takes the oldest events of lanes that are ready, those first that have waited longest for their turn. */
  take(limits: { maxEvents: number; maxEventsPerLane: number }): Batch | undefined {
    const lanes: Lane[] = [];
    const events: KeptEvent[] = [];
    for (const lane of this.#ready) {
      const room = limits.maxEvents - events.length;
      if (room === 0) break;
      // An event that was set back goes alone: what follows in the same request could be taken without it.
      lane.out = lane.setbacks > 0 ? 1 : Math.min(lane.events.length, limits.maxEventsPerLane, room);
      for (let index = 0; index < lane.out; index += 1) events.push(lane.events[index]!);
      lanes.push(lane);
      this.#ready.delete(lane);
    }
    return events.length === 0 ? undefined : { lanes, events };
  }

  /**
   * Ends a batch event by event. Returns the lanes that have to send again: they stay as they are, in order, until they
   * are made {@link ready}.
   */
  settle(batch: Batch, verdictOf: (event: KeptEvent) => Verdict): Lane[] {
    return batch.lanes.filter((lane) => {
      const again = lane.events.splice(0, lane.out).filter((event) => verdictOf(event) === 'again');
      this.#count -= lane.out - again.length;
      lane.out = 0;
      lane.events.unshift(...again);
      lane.setbacks = again.length > 0 ? lane.setbacks + 1 : 0;
      if (again.length === 0) this.ready(lane);
      return again.length > 0;
    });
  }

  /** Lets a lane take its turn again; forgets it when it is empty. */
  ready(lane: Lane): void {
    lane.out = 0;
    if (lane.events.length > 0) this.#ready.add(lane);
    else this.#lanes.delete(lane.key);
  }

  /** Drops every second event that is not under way, the newest of each lane kept. Returns how many were dropped. */
  thin(): number {
    const before = this.#count;
    for (const lane of this.#lanes.values()) {
      const last = lane.events.length - 1;
      const kept = lane.events.filter((_event, index) => index < lane.out || (last - index) % 2 === 0);
      this.#count -= lane.events.length - kept.length;
      lane.events.splice(0, lane.events.length, ...kept);
    }
    return before - this.#count;
  }
}
