/*
 * IncrementalAlterConfigs (key 44), versions 0-1.
 *
 * - Sets or deletes single settings, and appends to or subtracts from lists. Other settings do not change.
 * - Either all changes of a resource are made, or none.
 *
 * 1 flexible
 */
import { listOf, SettingError } from '../config/settings/settings.js';
import type { ConfigEntry } from '../config/config.js';
import { ErrorCode, ProtocolError } from '../../protocol/error-codes.js';
import * as t from '../../protocol/schema.js';
import { entriesOf, ownSettings, errorOf, replaceSettings } from './config-resources.js';
import { repeatedIn } from './repeated.js';
import { defineHandler } from './handler.js';

const Operation = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const;

const request = t.struct({
  resources: t.array(
    t.struct({
      resourceType: t.int8,
      resourceName: t.string,
      configs: t.array(t.struct({ name: t.string, configOperation: t.int8, value: t.nullableString })),
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

type Change = t.ValueOf<typeof request>['resources'][number]['configs'][number];

export const incrementalAlterConfigs = defineHandler({
  apiKey: 44,
  name: 'IncrementalAlterConfigs',
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: 1,
  request,
  response,
  async handle({ resources, validateOnly }, context) {
    const responses = [];
    for (const { resourceType, resourceName, configs } of resources) {
      const resource = { resourceType, resourceName };
      try {
        checkNames(configs);
        const settings = { ...ownSettings(resource, context) };
        const current = new Map(entriesOf(resource, context).map((entry) => [entry.name, entry]));
        for (const change of configs) applyChange(settings, change, current.get(change.name));
        await replaceSettings(resource, settings, { validateOnly }, context);
        responses.push({ errorCode: ErrorCode.NONE, errorMessage: null, ...resource });
      } catch (error) {
        responses.push({ ...errorOf(error, resource, context), ...resource });
      }
    }
    return { throttleTimeMs: 0, responses };
  },
});

/** @throws ProtocolError if a setting occurs twice: the order of the changes is undefined */
function checkNames(configs: readonly Change[]): void {
  const [twice] = repeatedIn(configs.map(({ name }) => name));
  if (twice !== undefined)
    throw new ProtocolError(ErrorCode.INVALID_REQUEST, `${twice} occurs more than once in the request`);
}

/** Applies one change to the settings of a resource. @throws SettingError, ProtocolError */
function applyChange(
  settings: Record<string, string>,
  { name, configOperation, value }: Change,
  current: ConfigEntry | undefined,
): void {
  if (configOperation === Operation.DELETE) {
    delete settings[name];
    return;
  }
  if (value === null) throw new ProtocolError(ErrorCode.INVALID_REQUEST, `value of ${name} is null`);
  if (configOperation === Operation.SET) {
    settings[name] = value;
    return;
  }
  if (configOperation !== Operation.APPEND && configOperation !== Operation.SUBTRACT) {
    throw new ProtocolError(ErrorCode.INVALID_REQUEST, `operation ${configOperation} of ${name}`);
  }
  if (current?.type !== 'list') throw new SettingError(`${name} is not a list`);
  const values = new Set(listOf(current.value));
  for (const each of listOf(value)) {
    if (configOperation === Operation.APPEND) values.add(each);
    else values.delete(each);
  }
  settings[name] = [...values].join(',');
}
