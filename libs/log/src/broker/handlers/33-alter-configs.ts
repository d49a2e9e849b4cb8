/*
 * AlterConfigs (key 33), versions 0-2.
 *
 * - Replaces all settings of a topic or of this broker; settings not in the request return to their defaults.
 * - An invalid value is INVALID_CONFIG, and the resource is not changed.
 *
 * 2 flexible
 */
import { ErrorCode, ProtocolError } from '../../protocol/error-codes.js';
import * as t from '../../protocol/schema.js';
import { errorOf, replaceSettings } from './config-resources.js';
import { defineHandler } from './handler.js';

const request = t.struct({
  resources: t.array(
    t.struct({
      resourceType: t.int8,
      resourceName: t.string,
      configs: t.array(t.struct({ name: t.string, value: t.nullableString })),
    }),
  ),
  validateOnly: t.boolean,
});

const response = t.struct({
  throttleTimeMs: t.int32,
  responses: t.array(
    t.struct({
      errorCode: t.int16,
      errorMessage: t.nullableString,
      resourceType: t.int8,
      resourceName: t.string,
    }),
  ),
});

export const alterConfigs = defineHandler({
  apiKey: 33,
  name: 'AlterConfigs',
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 2,
  request,
  response,
  async handle({ resources, validateOnly }, context) {
    const responses = [];
    for (const { resourceType, resourceName, configs } of resources) {
      const resource = { resourceType, resourceName };
      try {
        const settings = Object.fromEntries(configs.map(valued));
        await replaceSettings(resource, settings, { validateOnly }, context);
        responses.push({ errorCode: ErrorCode.NONE, errorMessage: null, ...resource });
      } catch (error) {
        responses.push({ ...errorOf(error, resource, context), ...resource });
      }
    }
    return { throttleTimeMs: 0, responses };
  },
});

function valued({ name, value }: { name: string; value: string | null }): [string, string] {
  if (value === null) throw new ProtocolError(ErrorCode.INVALID_REQUEST, `value of ${name} is null`);
  return [name, value];
}
