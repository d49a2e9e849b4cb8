import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';

const ALGORITHM = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Browsers accept cookies of 4,096 bytes with their name and attributes. */
export const MAX_SEALED_CHARS = 3_800;

/** Seals the values of cookies with a key: nobody without it can read, change or invent one. */
export class Seal {
  private readonly key: Buffer;
  private readonly purpose: Buffer;
  /** Differs between secrets, and is the same in each process with the same one. */
  readonly label: string;

  /**
   * @param secret of any length, random
   * @param purpose binds what is sealed to its use and layout: another seal with the same secret does not open it
   */
  constructor(secret: string | Buffer, purpose: string) {
    this.purpose = Buffer.from(purpose);
    this.key = Buffer.from(hkdfSync('sha256', secret, '', this.purpose, KEY_BYTES));
    this.label = createHash('sha256').update('cookie name').update(this.key).digest('hex').slice(0, 8);
  }

  /** Returns the text of a cookie. */
  seal(content: object): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(this.purpose);
    const parts = [nonce, cipher.update(JSON.stringify(content)), cipher.final(), cipher.getAuthTag()];
    return Buffer.concat(parts).toString('base64url');
  }

  /** Returns what was sealed; `undefined` if it was not sealed with the same secret and purpose. */
  open(sealed: string): unknown {
    if (sealed.length > MAX_SEALED_CHARS) return undefined;
    const bytes = Buffer.from(sealed, 'base64url');
    if (bytes.length <= NONCE_BYTES + TAG_BYTES) return undefined;
    const decipher = createDecipheriv(ALGORITHM, this.key, bytes.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(this.purpose).setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      const text = Buffer.concat([
        decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)),
        decipher.final(),
      ]).toString();
      return JSON.parse(text) as unknown;
    } catch {
      // Another key, or bytes that were changed.
      return undefined;
    }
  }
}
