import type { RecordedLog } from './recorded-log.js';

/** Which records of a log a sink has. */
export class Places {
  private readonly seen = new Map<string, Uint8Array>();

  constructor(private readonly log: RecordedLog) {}

  /** Adds a record. Returns whether it is the first time. */
  add(topic: string, partition: number, offset: number): boolean {
    this.log.recordAt(topic, partition, offset);
    const name = `${topic}/${partition}`;
    const seen = this.seen.get(name) ?? new Uint8Array(this.log.partitions.get(name)!.length);
    this.seen.set(name, seen);
    if (seen[offset] === 1) return false;
    seen[offset] = 1;
    return true;
  }

  /** @throws Error if a record of these kinds is missing, or one of another kind is present */
  require(what: string, kinds: readonly string[]): void {
    for (const [name, records] of this.log.partitions) {
      const seen = this.seen.get(name);
      for (const [offset, { kind }] of records.entries()) {
        const isWanted = kinds.includes(kind);
        if (isWanted !== (seen?.[offset] === 1))
          throw new Error(`${what}: ${name}/${offset} (${kind}) is ${isWanted ? 'missing' : 'present'}`);
      }
    }
  }
}
