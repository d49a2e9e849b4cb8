/** Slots of a set: a new id replaces the oldest of its set. */
const WAYS = 4;

const FIRST_CAPACITY = 1_024;
const MAX_CAPACITY = 65_536;

/** Maximum number of ids of all feeds together, 12 bytes each. */
const MAX_IDS = 4_194_304;

/** The ids that all feeds may remember together. */
export class IdBudget {
  private used = 0;

  constructor(private readonly maximum = MAX_IDS) {}

  take(count: number): boolean {
    if (this.used + count > this.maximum) return false;
    this.used += count;
    return true;
  }

  release(count: number): void {
    this.used -= count;
  }
}

/** Whether an id was seen before, with the same content or another one. */
type Seen = 'new' | 'same' | 'other-content';

/**
 * Remembers about the last 65,000 ids of a feed, fewer of a small one. Ids are compared by 52 bits of a hash, contents by 32:
 * of a million new ids, less than one seems known.
 */
export class RecentIds {
  private ids = new Float64Array(0);
  private contents = new Uint32Array(0);
  private added = 0;

  constructor(private readonly budget: IdBudget) {}

  see(id: string, content: number): Seen {
    if (this.ids.length === 0) this.grow(FIRST_CAPACITY);
    if (this.ids.length === 0) return 'new';
    const { ids } = this;
    const hash = hashOf(id);
    const first = setOf(hash, ids.length);
    for (let at = first; at < first + WAYS; at += 1) {
      if (ids[at] === hash) return this.contents[at] === content >>> 0 ? 'same' : 'other-content';
    }
    this.insert(first, hash, content);
    this.added += 1;
    if (this.added > this.ids.length / 2 && this.ids.length < MAX_CAPACITY) this.grow(this.ids.length * 2);
    return 'new';
  }

  release(): void {
    this.budget.release(this.ids.length);
    this.ids = new Float64Array(0);
    this.contents = new Uint32Array(0);
  }

  private insert(first: number, hash: number, content: number): void {
    const { ids, contents } = this;
    for (let at = first + WAYS - 1; at > first; at -= 1) {
      ids[at] = ids[at - 1]!;
      contents[at] = contents[at - 1]!;
    }
    ids[first] = hash;
    contents[first] = content;
  }

  private grow(capacity: number): void {
    const [ids, contents] = [this.ids, this.contents];
    if (!this.budget.take(capacity - ids.length)) return;
    this.ids = new Float64Array(capacity);
    this.contents = new Uint32Array(capacity);
    // Oldest first, so that the order within a set is kept.
    for (let at = ids.length - 1; at >= 0; at -= 1) {
      const hash = ids[at]!;
      if (hash !== 0) this.insert(setOf(hash, capacity), hash, contents[at]!);
    }
  }
}

/** By the last bits: a capacity is a power of two. */
function setOf(hash: number, capacity: number): number {
  return (hash & (capacity / WAYS - 1)) * WAYS;
}

/** Two hashes of 26 bits, as one integer; never 0. FNV-1a with different starts. */
function hashOf(id: string): number {
  let one = 0x811c9dc5;
  let other = 0x01000193;
  for (let at = 0; at < id.length; at += 1) {
    const code = id.charCodeAt(at);
    one = Math.imul(one ^ code, 0x01000193);
    other = Math.imul(other ^ code, 0x85ebca6b);
  }
  return (other >>> 6) * 2 ** 26 + (mixed(one) >>> 6) || 1;
}

/** Characters of a key that are hashed: UUIDs of version 7 differ at the end. */
const KEY_CHARS = 12;

/** A hash of the content of an event. */
export function contentOf(key: string, time: number): number {
  let hash = 0x811c9dc5;
  for (let at = Math.max(0, key.length - KEY_CHARS); at < key.length; at += 1)
    hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (time | 0), 0x01000193);
  return mixed(hash ^ Math.floor(time / 2 ** 32)) >>> 0;
}

function mixed(hash: number): number {
  const once = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return once ^ (once >>> 13);
}
