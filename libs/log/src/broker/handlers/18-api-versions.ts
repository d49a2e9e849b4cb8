/*
 * ApiVersions (key 18), versions 0-3.
 *
 * - Returns the supported APIs with their versions.
 * - A request of a higher version is answered in version 0 with UNSUPPORTED_VERSION and the same list, from which
 *   clients select the version to retry with.
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

/** @param handlers called for each request, because this handler is one of them */
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

/** The list, with an error if the version of the request is not supported. */
export function listVersions(handlers: Iterable<AnyHandler>, errorCode: Code): t.ValueOf<typeof response> {
  return {
    errorCode,
    apiKeys: [...handlers].map(({ apiKey, minVersion, maxVersion }) => ({ apiKey, minVersion, maxVersion })),
    throttleTimeMs: 0,
  };
}
