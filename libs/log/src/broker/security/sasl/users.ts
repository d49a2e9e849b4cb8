import * as fs from 'node:fs/promises';
import { SettingError } from '../../config/settings/settings.js';
import { makeVerifier, type ScramHash, type Verifier } from './scram-keys.js';

/** Two slow hashes per user are computed at start. */
const MAX_USERS = 1_000;

/** Verifiers of a password, one per hash. */
type UserVerifiers = Readonly<Record<ScramHash, Verifier>>;

/** The users that may connect. */
export type Users = ReadonlyMap<string, UserVerifiers>;

/**
 * Reads the file with users: one `name:password` per line. Empty lines and lines that start with `#` are ignored.
 *
 * @throws SettingError with file and line, without their contents
 */
export async function readUsers(file: string): Promise<Users> {
  const passwords = parseUsers(await readText(file), file);
  const verified = await Promise.all(
    [...passwords].map(async ([name, password]) => [name, await makeVerifiers(password)] as const),
  );
  return new Map(verified);
}

async function makeVerifiers(password: string): Promise<UserVerifiers> {
  const [sha256, sha512] = await Promise.all([
    makeVerifier('sha256', password),
    makeVerifier('sha512', password),
  ]);
  return { sha256, sha512 };
}

async function readText(file: string): Promise<string> {
  try {
    return await fs.readFile(file, 'utf8');
  } catch (cause) {
    throw new SettingError(`cannot read sasl.users.file: ${(cause as Error).message}`, { cause });
  }
}

/** Parses names and passwords. @throws SettingError if a line is invalid */
export function parseUsers(text: string, file: string): Map<string, string> {
  const passwords = new Map<string, string>();
  text.split(/\r?\n/).forEach((line, index) => {
    if (line.trim() === '' || line.startsWith('#')) return;
    const wrong = (why: string): never => {
      throw new SettingError(`${file}, line ${index + 1}: ${why}`);
    };
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0));
    const password = line.slice(colon + 1);
    if (colon < 0 || name === '' || password === '') wrong('expected name:password');
    if (passwords.has(name)) wrong('duplicate user name');
    passwords.set(name, password);
  });
  if (passwords.size === 0)
    throw new SettingError(`${file} has no users, expected one name:password per line`);
  if (passwords.size > MAX_USERS) throw new SettingError(`${file} has more than ${MAX_USERS} users`);
  return passwords;
}
