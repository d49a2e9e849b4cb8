/** A binary heap of numbers. {@link pop} returns the number with the lowest priority. */
export class MinHeap {
  private readonly values: number[] = [];
  private readonly priorities: number[] = [];

  push(value: number, priority: number): void {
    let place = this.values.length;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (this.priorities[parent]! <= priority) break;
      this.set(place, this.values[parent]!, this.priorities[parent]!);
      place = parent;
    }
    this.set(place, value, priority);
  }

  pop(): number | undefined {
    const first = this.values[0];
    const value = this.values.pop();
    const priority = this.priorities.pop();
    if (value !== undefined && priority !== undefined && this.values.length > 0) this.sink(value, priority);
    return first;
  }

  /** Moves a value down from the root to its position. */
  private sink(value: number, priority: number): void {
    const count = this.values.length;
    let place = 0;
    for (let child = 1; child < count; child = 2 * place + 1) {
      const right = child + 1;
      const smaller = right < count && this.priorities[right]! < this.priorities[child]! ? right : child;
      if (priority <= this.priorities[smaller]!) break;
      this.set(place, this.values[smaller]!, this.priorities[smaller]!);
      place = smaller;
    }
    this.set(place, value, priority);
  }

  private set(place: number, value: number, priority: number): void {
    this.values[place] = value;
    this.priorities[place] = priority;
  }
}
