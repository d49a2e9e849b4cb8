import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

/** Supported hashes, by Node's names. */
export type ScramHash = 'sha256' | 'sha512';

/** Kafka's default, and the minimum that its clients accept. */
const ITERATIONS = 4_096;
const SALT_BYTES = 16;
const DIGEST_BYTES: Record<ScramHash, number> = { sha256: 32, sha512: 64 };

const derive = promisify(pbkdf2);

/** Stored instead of a password: sufficient to verify it, but not to authenticate with. */
export interface Verifier {
  readonly salt: Buffer;
  readonly iterations: number;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

/** @see RFC 5802, section 3 */
export async function makeVerifier(
  hash: ScramHash,
  password: string,
  { salt = randomBytes(SALT_BYTES), iterations = ITERATIONS }: { salt?: Buffer; iterations?: number } = {},
): Promise<Verifier> {
  const salted = await derive(password, salt, iterations, DIGEST_BYTES[hash], hash);
  return {
    salt,
    iterations,
    storedKey: digest(hash, hmac(hash, salted, 'Client Key')),
    serverKey: hmac(hash, salted, 'Server Key'),
  };
}

/** Verifier for unknown users: the same salt for the same name, and no matching password. */
export function makeDecoy(hash: ScramHash, name: string): Verifier {
  return {
    salt: hmac(hash, DECOY_SECRET, name).subarray(0, SALT_BYTES),
    iterations: ITERATIONS,
    storedKey: randomBytes(DIGEST_BYTES[hash]),
    serverKey: randomBytes(DIGEST_BYTES[hash]),
  };
}

const DECOY_SECRET = randomBytes(32);

/** Whether the password matches the verifier. */
export async function isPassword(hash: ScramHash, password: string, verifier: Verifier): Promise<boolean> {
  const { storedKey } = await makeVerifier(hash, password, verifier);
  return timingSafeEqual(storedKey, verifier.storedKey);
}

/** Whether the proof of the client is valid. */
export function isProof(
  hash: ScramHash,
  { proof, signed, verifier }: { proof: Buffer; signed: string; verifier: Verifier },
): boolean {
  const signature = hmac(hash, verifier.storedKey, signed);
  if (proof.length !== signature.length) return false;
  const clientKey = Buffer.from(proof.map((byte, i) => byte ^ (signature[i] as number)));
  return timingSafeEqual(digest(hash, clientKey), verifier.storedKey);
}

/** The signature that proves to the client that the server knows the password. */
export function signServer(hash: ScramHash, signed: string, { serverKey }: Verifier): Buffer {
  return hmac(hash, serverKey, signed);
}

function hmac(hash: ScramHash, key: Buffer, text: string): Buffer {
  return createHmac(hash, key).update(text).digest();
}

function digest(hash: ScramHash, bytes: Buffer): Buffer {
  return createHash(hash).update(bytes).digest();
}
