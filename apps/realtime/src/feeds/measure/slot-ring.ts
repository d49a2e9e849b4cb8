import { Slot } from './slot.js';

/**
 * The counts of the latest slots of time. A slot that is too old for the ring is not counted, whenever it arrives: the result
 * does not depend on the order.
 */
export class SlotRing {
  private readonly slots: (Slot | undefined)[] = [];
  private readonly numbers: number[] = [];

  constructor(
    readonly slotMs: number,
    private readonly size: number,
  ) {}

  /** The slot of a time in milliseconds; `null` if it is older than the ring. */
  at(time: number): Slot | null {
    const number = Math.floor(time / this.slotMs);
    const index = number % this.size;
    const known = this.numbers[index];
    if (known !== undefined && number < known) return null;
    const slot = (this.slots[index] ??= new Slot());
    if (known !== number) {
      slot.clear();
      this.numbers[index] = number;
    }
    return slot;
  }

  /** The counts of the slot that contains a time; `null` if nothing was counted then. */
  peek(time: number): Slot | null {
    const number = Math.floor(time / this.slotMs);
    const index = number % this.size;
    return this.numbers[index] === number ? (this.slots[index] ?? null) : null;
  }

  /** The sum of the last `count` slots, of which the last contains `now`. */
  sum(now: number, count: number): Slot {
    const sum = new Slot();
    for (let back = 0; back < count; back += 1) {
      const slot = this.peek(now - back * this.slotMs);
      if (slot !== null) sum.addAll(slot);
    }
    return sum;
  }
}
