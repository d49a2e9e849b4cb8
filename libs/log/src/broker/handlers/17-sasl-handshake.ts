/*
 * SaslHandshake (key 17), versions 0-1.
 *
 * - Selects the SASL mechanism.
 * - A mechanism that is not enabled: UNSUPPORTED_SASL_MECHANISM with the enabled ones, and the connection is closed.
 * - Without authentication on the listener, or a second time: ILLEGAL_SASL_STATE.
 *
 * 0 tokens follow as raw frames · 1 tokens follow in SaslAuthenticate
 */
import { ErrorCode, codeOf } from '../../protocol/error-codes.js';
import * as t from '../../protocol/schema.js';
import { defineHandler } from './handler.js';

const request = t.struct({ mechanism: t.string });

const response = t.struct({ errorCode: t.int16, mechanisms: t.array(t.string) });

export const saslHandshake = defineHandler({
  apiKey: 17,
  name: 'SaslHandshake',
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: Infinity,
  request,
  response,
  handle({ mechanism }, { session, apiVersion }) {
    try {
      session.begin(mechanism, apiVersion === 0 ? 'raw' : 'request');
      return { errorCode: ErrorCode.NONE, mechanisms: session.mechanismNames };
    } catch (error) {
      return { errorCode: codeOf(error), mechanisms: session.mechanismNames };
    }
  },
});
