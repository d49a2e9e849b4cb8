import { createHash } from 'node:crypto';
import type { ErasureKind } from '@hailstream/events';
import type pg from 'pg';
import type { EncodedRows } from '../rows/encode-chunk.js';
import type { Table } from '../rows/tables.js';

/** Ids whose result is remembered. Beyond it, the hashes are computed again. */
const MAX_REMEMBERED = 100_000;
const UUIDS = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi;
/** UUIDs of a record that are compared. */
const MAX_UUIDS = 1_000;

/** SHA-256 of an id: the id itself is not stored. */
export function hashOf(salt: Buffer, kind: ErasureKind, id: string): Buffer {
  return createHash('sha256').update(salt).update(`${kind}/${id.toLowerCase()}`).digest();
}

/** Reads the salt of the database. */
export async function readSalt(client: Pick<pg.ClientBase, 'query'>): Promise<Buffer> {
  const { rows } = await client.query<{ salt: Buffer }>('SELECT salt FROM ride.erasure_salt');
  if (rows[0] === undefined) throw new Error('ride.erasure_salt has no row: restore it from a backup');
  return rows[0].salt;
}

/**
 * The riders and devices that were erased. An erasure is stored under a lock that conflicts with that of loads: after
 * {@link refresh} in a transaction that has locked a table of events or the dead letters for writing, no erasure is missing.
 */
export class ErasedIds {
  private readonly hashes = new Set<string>();
  private readonly remembered = new Map<string, boolean>();
  private salt: Buffer = Buffer.alloc(0);
  private lastNumber = '0';

  /** Reads the erasures that were stored since the last call. */
  async refresh(client: Pick<pg.ClientBase, 'query'>): Promise<void> {
    const { rows } = await client.query<{ number: string; kind: ErasureKind; hash: Buffer }>(
      'SELECT number, kind, id_hash AS hash FROM ride.erasures WHERE number > $1 ORDER BY number',
      [this.lastNumber],
    );
    if (rows.length === 0) return;
    this.salt = await readSalt(client);
    for (const { kind, hash } of rows) this.hashes.add(`${kind}/${hash.toString('hex')}`);
    this.remembered.clear();
    this.lastNumber = rows.at(-1)!.number;
  }

  get isEmpty(): boolean {
    return this.hashes.size === 0;
  }

  has(kind: ErasureKind, id: string): boolean {
    if (this.isEmpty) return false;
    const name = `${kind}/${id}`;
    const known = this.remembered.get(name);
    if (known !== undefined) return known;
    const isErased = this.hashes.has(`${kind}/${hashOf(this.salt, kind, id).toString('hex')}`);
    if (this.remembered.size >= MAX_REMEMBERED) this.remembered.clear();
    this.remembered.set(name, isErased);
    return isErased;
  }

  /** Whether a row of a table is about an erased id. */
  coverRow({ personal }: Pick<Table, 'personal'>, rows: EncodedRows, row: number): boolean {
    if (this.isEmpty) return false;
    return personal.some(({ kind }, field) => {
      const number = rows.personal[row * personal.length + field]!;
      return this.has(kind, rows.people.textAt(number));
    });
  }

  /** Whether bytes contain an erased id as text, whatever their format. */
  areIn(bytes: Buffer | null): boolean {
    if (bytes === null || this.isEmpty) return false;
    let count = 0;
    for (const [id] of bytes.toString('latin1').matchAll(UUIDS)) {
      const lower = id.toLowerCase();
      if (this.has('device', lower) || this.has('rider', lower)) return true;
      if ((count += 1) === MAX_UUIDS) return false;
    }
    return false;
  }
}
