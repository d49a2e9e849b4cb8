/*
 * ApiVersions (key 18), versions 0-3.
 *
 * - Names every API that is served, with its versions.
 * - A higher version is answered in the form of version 0 with UNSUPPORTED_VERSION and the same list: clients read from
 *   it which version to ask next.
 * - The response header is always version 0.
 *
 * 1 throttle time · 3 flexible, client software name and version
 */
import { ErrorCode, type ErrorCode as Code } from '../../protocol/error-codes.js';
import * as t from '../../protocol/schema.js';
import { defineHandler, type AnyHandler } from './handler.js';

const request = t.struct({
  clientSoftwareName: t.since(3, t.string, ''),
  clientSoftwareVersion: t.since(3, t.string, ''),
});

const response = t.struct({
  errorCode: t.int16,
  apiKeys: t.array(t.struct({ apiKey: t.int16, minVersion: t.int16, maxVersion: t.int16 })),
  throttleTimeMs: t.since(1, t.int32, 0),
});

/** @param handlers asked for at each request, because this one is among them */
export function apiVersions(handlers: () => Iterable<AnyHandler>) {
  return defineHandler({
    apiKey: 18,
    name: 'ApiVersions',
    minVersion: 0,
    maxVersion: 3,
    flexibleFrom: 3,
    request,
    response,
    handle: () => listVersions(handlers(), ErrorCode.NONE),
  });
}

/** The list, with an error where the version that was asked for is not served. */
export function listVersions(handlers: Iterable<AnyHandler>, errorCode: Code): t.ValueOf<typeof response> {
  return {
    errorCode,
    apiKeys: [...handlers].map(({ apiKey, minVersion, maxVersion }) => ({ apiKey, minVersion, maxVersion })),
    throttleTimeMs: 0,
  };
}
