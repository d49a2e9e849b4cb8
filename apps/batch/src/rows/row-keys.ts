import { UUID_WORDS, UuidSet, writeUuidWords } from './uuid-set.js';

/** Identifies the event of a row. */
export interface RowKey {
  readonly id: string;
  readonly providerId: string;
  /** Event time. */
  readonly timeMs: number;
}

/** Some keys, by index. */
export interface KeyList {
  at(index: number): RowKey | undefined;
}

/** The distinct keys of the rows of a chunk, without an object for each. */
export class RowKeys implements KeyList {
  private readonly ids: UuidSet;
  private readonly providers = new UuidSet();
  private readonly providerNumbers: Uint32Array;
  private readonly times: Float64Array;
  private readonly given = new Uint32Array(2 * UUID_WORDS);

  constructor(capacity: number) {
    this.ids = new UuidSet(Math.max(capacity, 1));
    this.providerNumbers = new Uint32Array(capacity);
    this.times = new Float64Array(capacity);
  }

  get length(): number {
    return this.ids.size;
  }

  /** Returns the row of an event; `undefined` if none has its key. The words of both ids start at the given positions. */
  find(words: Uint32Array, idAt: number, providerAt: number): number | undefined {
    return this.ids.find(words, idAt, this.providers.add(words, providerAt));
  }

  /** Adds the key of the next row, which no row has. */
  add(
    words: Uint32Array,
    { idAt, providerAt }: { readonly idAt: number; readonly providerAt: number },
    timeMs: number,
  ): void {
    const provider = this.providers.add(words, providerAt);
    const row = this.ids.add(words, idAt, provider);
    this.providerNumbers[row] = provider;
    this.times[row] = timeMs;
  }

  /** The words of two ids in lower case, for {@link find} and {@link add}: those of the event at 0, of the provider behind it. */
  wordsOf(id: string, providerId: string): Uint32Array {
    writeUuidWords(id, this.given);
    writeUuidWords(providerId, this.given.subarray(UUID_WORDS));
    return this.given;
  }

  at(row: number): RowKey {
    return { id: this.ids.textAt(row), providerId: this.providerAt(row), timeMs: this.timeAt(row) };
  }

  providerAt(row: number): string {
    return this.providers.textAt(this.providerNumbers[row]!);
  }

  /** The provider of a row as a number, which is the same for rows with the same one. */
  providerNumberAt(row: number): number {
    return this.providerNumbers[row]!;
  }

  timeAt(row: number): number {
    return this.times[row]!;
  }

  /** The words of the ids: those of a row start at four times its index. */
  get idWords(): Uint32Array {
    return this.ids.words;
  }

  /** The words of the providers: those of one start at four times its number. */
  get providerWords(): Uint32Array {
    return this.providers.words;
  }

  /** Compares the ids and providers of two rows in the order of their texts. */
  compare(one: number, other: number): number {
    const order = compareWords(this.ids.words, one, other);
    return order !== 0
      ? order
      : compareWords(this.providers.words, this.providerNumbers[one]!, this.providerNumbers[other]!);
  }
}

function compareWords(words: Uint32Array, one: number, other: number): number {
  for (let index = 0; index < UUID_WORDS; index += 1) {
    const difference = words[one * UUID_WORDS + index]! - words[other * UUID_WORDS + index]!;
    if (difference !== 0) return difference;
  }
  return 0;
}
