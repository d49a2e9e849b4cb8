import { randomInt } from 'node:crypto';

/** Words of a UUID: 32 bits each. */
export const UUID_WORDS = 4;

const FREE = -1;
const HYPHENS = /-/g;
/** Odd multipliers that differ between processes, so that nobody can choose ids that collide. */
const MULTIPLIERS = Array.from({ length: UUID_WORDS + 1 }, () => randomInt(2 ** 31) * 2 + 1) as [
  number,
  number,
  number,
  number,
  number,
];

/** Distinct UUIDs, numbered in the order in which they were added, without an object for each. */
export class UuidSet {
  words: Uint32Array;
  size = 0;
  private tags: Uint32Array;
  private slots: Int32Array;
  private readonly texts: string[] = [];

  constructor(capacity = 64) {
    this.words = new Uint32Array(capacity * UUID_WORDS);
    this.tags = new Uint32Array(capacity);
    this.slots = new Int32Array(slotsFor(capacity)).fill(FREE);
  }

  /** Returns the number of a UUID, which is that of the words from `at` on. UUIDs with different tags are different. */
  add(words: Uint32Array, at = 0, tag = 0): number {
    const slot = this.slotOf(words, at, tag);
    const known = this.slots[slot]!;
    if (known !== FREE) return known;
    const number = this.size;
    if (number === this.tags.length) {
      this.grow();
      return this.add(words, at, tag);
    }
    const wordAt = number * UUID_WORDS;
    for (let index = 0; index < UUID_WORDS; index += 1) this.words[wordAt + index] = words[at + index]!;
    this.tags[number] = tag;
    this.slots[slot] = number;
    this.size = number + 1;
    return number;
  }

  /** Returns the number of a UUID; `undefined` if it was not added. */
  find(words: Uint32Array, at: number, tag: number): number | undefined {
    const known = this.slots[this.slotOf(words, at, tag)]!;
    return known === FREE ? undefined : known;
  }

  /** Returns a UUID as text. */
  textAt(number: number): string {
    return (this.texts[number] ??= uuidText(this.words, number * UUID_WORDS));
  }

  private slotOf(words: Uint32Array, at: number, tag: number): number {
    const mask = this.slots.length - 1;
    const [a, b, c, d, e] = MULTIPLIERS;
    let hash = Math.imul(words[at]!, a) ^ Math.imul(words[at + 1]!, b) ^ Math.imul(words[at + 2]!, c);
    hash ^= Math.imul(words[at + 3]!, d) ^ Math.imul(tag, e);
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (; ; slot = (slot + 1) & mask) {
      const number = this.slots[slot]!;
      if (number === FREE || (this.tags[number] === tag && this.hasWords(number, words, at))) return slot;
    }
  }

  private hasWords(number: number, words: Uint32Array, at: number): boolean {
    const own = number * UUID_WORDS;
    for (let index = 0; index < UUID_WORDS; index += 1) {
      if (this.words[own + index] !== words[at + index]) return false;
    }
    return true;
  }

  private grow(): void {
    const [words, tags] = [this.words, this.tags];
    this.words = new Uint32Array(words.length * 2);
    this.words.set(words);
    this.tags = new Uint32Array(tags.length * 2);
    this.tags.set(tags);
    this.slots = new Int32Array(slotsFor(this.tags.length)).fill(FREE);
    for (let number = 0; number < this.size; number += 1) {
      const at = number * UUID_WORDS;
      this.slots[this.slotOf(this.words, at, this.tags[number]!)] = number;
    }
  }
}

/** At most half of the slots are used. */
function slotsFor(capacity: number): number {
  return 2 ** Math.ceil(Math.log2(capacity * 2));
}

/** Writes a UUID in lower case into four words. */
export function writeUuidWords(text: string, words: Uint32Array): void {
  const digits = text.replace(HYPHENS, '');
  for (let index = 0; index < UUID_WORDS; index += 1) {
    words[index] = Number.parseInt(digits.slice(index * 8, index * 8 + 8), 16);
  }
}

function uuidText(words: Uint32Array, at: number): string {
  const [a, b, c, d] = Array.from(words.subarray(at, at + UUID_WORDS), (word) =>
    word.toString(16).padStart(8, '0'),
  ) as [string, string, string, string];
  return `${a}-${b.slice(0, 4)}-${b.slice(4)}-${c.slice(0, 4)}-${c.slice(4)}${d}`;
}
