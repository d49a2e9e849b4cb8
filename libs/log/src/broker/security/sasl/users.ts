import * as fs from 'node:fs/promises';
import { SettingError } from '../../config/settings.js';
import { makeVerifier, type ScramHash, type Verifier } from './scram-keys.js';

/** Each user costs two slow hashes at start. */
const MAX_USERS = 1_000;

/** What is kept of a user's password: one verifier for each hash, and never the password. */
export type UserVerifiers = Readonly<Record<ScramHash, Verifier>>;

/** Who may connect. */
export type Users = ReadonlyMap<string, UserVerifiers>;

/**
 * Reads the users' file: `name:password` a line; empty lines, and lines that start with `#`, say nothing.
 *
 * @throws SettingError that names file and line, never what is in it
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
    throw new SettingError(`sasl.users.file can't be read: ${(cause as Error).message}`, { cause });
  }
}

/** Names and passwords out of the file's text. @throws SettingError */
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
    if (colon < 0 || name === '' || password === '') wrong('name:password is expected');
    if (passwords.has(name)) wrong('the name was there before');
    passwords.set(name, password);
  });
  if (passwords.size === 0) throw new SettingError(`${file} has no users: a line for each, name:password`);
  if (passwords.size > MAX_USERS) throw new SettingError(`${file} has more than ${MAX_USERS} users`);
  return passwords;
}
