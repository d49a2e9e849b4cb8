import { topicEntries, type ConfigEntry } from '../config/config.js';
import { SettingError } from '../config/settings.js';
import { ErrorCode, ProtocolError, codeOf } from '../protocol/error-codes.js';
import type { Services } from './handler.js';

/** What settings belong to, with Kafka's numbers. */
export const ResourceType = { TOPIC: 2, BROKER: 4 } as const;

/** Names something that has settings. */
export interface Resource {
  readonly resourceType: number;
  /** A topic, this broker's id, or empty for all brokers. */
  readonly resourceName: string;
}

type Settings = Readonly<Record<string, string>>;

/** Every setting of a resource. @throws ProtocolError where there is no such resource */
export function entriesOf(resource: Resource, services: Services): ConfigEntry[] {
  const { store, config } = services;
  checkResource(resource, services);
  if (resource.resourceType === ResourceType.BROKER) return config.entries();
  return topicEntries(config, store.topic(resource.resourceName)?.settings ?? {});
}

/** What was set on a resource itself. @throws ProtocolError where there is no such resource */
export function ownSettings(resource: Resource, services: Services): Settings {
  checkResource(resource, services);
  if (resource.resourceType === ResourceType.BROKER) return services.config.altered;
  return services.store.topic(resource.resourceName)?.settings ?? {};
}

/** Replaces what was set on a resource itself. @throws SettingError, ProtocolError */
export async function replaceSettings(
  resource: Resource,
  settings: Settings,
  { validateOnly }: { validateOnly: boolean },
  services: Services,
): Promise<void> {
  const { store, config } = services;
  checkResource(resource, services);
  if (resource.resourceType === ResourceType.TOPIC) {
    if (validateOnly) store.checkSettings(settings);
    else await store.configure(resource.resourceName, settings);
    return;
  }
  config.checkAltered(settings);
  if (validateOnly) return;
  config.alter(settings);
  await store.saveBrokerSettings();
}

/** What a failed change of settings is answered with. */
export function refusalOf(error: unknown, { logger }: Services): { errorCode: number; errorMessage: string } {
  const errorCode = error instanceof SettingError ? ErrorCode.INVALID_CONFIG : codeOf(error);
  if (errorCode === ErrorCode.UNKNOWN_SERVER_ERROR) logger.error({ err: error }, 'settings request failed');
  return { errorCode, errorMessage: (error as Error).message };
}

function checkResource({ resourceType, resourceName }: Resource, { store, node }: Services): void {
  if (resourceType === ResourceType.TOPIC) {
    if (store.topic(resourceName) !== undefined) return;
    throw new ProtocolError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `there is no topic ${resourceName}`);
  }
  if (resourceType !== ResourceType.BROKER) {
    throw new ProtocolError(
      ErrorCode.INVALID_REQUEST,
      `resources of type ${resourceType} have no settings here`,
    );
  }
  if (resourceName === '' || resourceName === String(node.id)) return;
  throw new ProtocolError(ErrorCode.INVALID_REQUEST, `this is broker ${node.id}, not ${resourceName}`);
}
