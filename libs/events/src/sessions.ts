import Type from 'typebox';
import { Timestamp } from './schema/primitives.js';
import { compileValidator } from './schema/validation.js';

/** What can be revoked: the session of a browser, or a token that a session was opened with. */
const revocableKinds = ['session', 'token'] as const;
export type RevocableKind = (typeof revocableKinds)[number];

/** A session that was signed out, or its token. The record allows nobody to sign in. */
export const RevocationRecord = Type.Object({
  kind: Type.Enum<RevocableKind[]>([...revocableKinds]),
  /** Of a session its random id, of a token its SHA-256 in hexadecimal digits. */
  id: Type.String({ pattern: '^[0-9a-f-]{16,64}$' }),
  revoked_at: Timestamp,
  /** From then on, it would be refused anyway, and the record is removed. */
  expires_at: Type.Integer({ minimum: 0 }),
});
export type RevocationRecord = Type.Static<typeof RevocationRecord>;

export const revocationValidator = compileValidator(RevocationRecord);

/** For documentation. */
export const revocationExample: RevocationRecord = {
  kind: 'session',
  id: '7e0e5a52-3f0c-4a3c-9a3e-0b2f4d9f7c11',
  revoked_at: 1_750_406_400_000,
  expires_at: 1_750_968_000_000,
};
