/*
 * SaslAuthenticate (key 36), versions 0-2.
 *
 * - Accepts a token of the mechanism that SaslHandshake selected, and returns the token of the server.
 * - Invalid credentials: SASL_AUTHENTICATION_FAILED with a message, after `connection.failed.authentication.delay.ms`,
 *   and the connection is closed.
 * - Reauthentication is not required: the session lifetime is 0.
 *
 * 1 session lifetime · 2 flexible
 */
import { ErrorCode, ProtocolError } from '../../protocol/error-codes.js';
import * as t from '../../protocol/schema.js';
import { defineHandler } from './handler.js';

const FOR_GOOD = 0n;

const request = t.struct({ authBytes: t.bytes });

const response = t.struct({
  errorCode: t.int16,
  errorMessage: t.nullableString,
  authBytes: t.bytes,
  sessionLifetimeMs: t.since(1, t.int64, FOR_GOOD),
});

export const saslAuthenticate = defineHandler({
  apiKey: 36,
  name: 'SaslAuthenticate',
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 2,
  request,
  response,
  async handle({ authBytes }, { session }) {
    const lifetime = { sessionLifetimeMs: FOR_GOOD };
    try {
      const reply = await session.prove(authBytes);
      return { errorCode: ErrorCode.NONE, errorMessage: null, authBytes: reply, ...lifetime };
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return { errorCode: error.code, errorMessage: error.message, authBytes: Buffer.alloc(0), ...lifetime };
    }
  },
});
