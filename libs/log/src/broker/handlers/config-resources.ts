import { ConfigSource, topicEntries, type ConfigEntry } from '../config/config.js';
import { SettingError } from '../config/settings/settings.js';
import { ErrorCode, ProtocolError, codeOf } from '../../protocol/error-codes.js';
import { checkTopicName } from '../storage/topics/topic-checks.js';
import { checkNotInternal } from '../storage/topics/internal-topics.js';
import type { RequestContext, Services } from './handler.js';

/** Kafka's codes for the types of resources with settings. */
export const ResourceType = { TOPIC: 2, BROKER: 4 } as const;

/** Identifies a resource. */
interface Resource {
  readonly resourceType: number;
  /** Name of a topic, id of this broker, or empty for all brokers. */
  readonly resourceName: string;
}

/** The resource name of the default settings for all brokers. */
const ALL_BROKERS = '';

type Settings = Readonly<Record<string, string>>;

/** All settings of a resource. @throws ProtocolError if it does not exist */
export function entriesOf(resource: Resource, services: Services): ConfigEntry[] {
  const { store, config } = services;
  checkResource(resource, services);
  if (resource.resourceType === ResourceType.BROKER) {
    const entries = config.entries();
    if (resource.resourceName !== ALL_BROKERS) return entries;
    return entries
      .filter(({ name }) => name in config.altered.all)
      .map(({ layers, ...entry }) => ({
        ...entry,
        layers: layers.filter(({ source }) => source === ConfigSource.DYNAMIC_DEFAULT_BROKER),
        ...layers.find(({ source }) => source === ConfigSource.DYNAMIC_DEFAULT_BROKER),
      }));
  }
  return topicEntries(config, store.topic(resource.resourceName)?.settings ?? {});
}

/** The settings that were set on a resource. @throws ProtocolError if it does not exist */
export function ownSettings(resource: Resource, services: Services): Settings {
  checkResource(resource, services);
  if (resource.resourceType === ResourceType.BROKER) {
    const { own, all } = services.config.altered;
    return resource.resourceName === ALL_BROKERS ? all : own;
  }
  return services.store.topic(resource.resourceName)?.settings ?? {};
}

/** Replaces the settings that were set on a resource. @throws SettingError, ProtocolError */
export async function replaceSettings(
  resource: Resource,
  settings: Settings,
  { validateOnly }: { validateOnly: boolean },
  context: RequestContext,
): Promise<void> {
  const { store, config, logger, clientId } = context;
  checkResource(resource, context);
  if (resource.resourceType === ResourceType.TOPIC) {
    checkNotInternal(resource.resourceName);
    if (validateOnly) return store.checkSettings(settings);
    await store.configure(resource.resourceName, settings);
    logger.info({ topic: resource.resourceName, settings, clientId }, 'topic settings altered');
    return;
  }
  config.checkAltered(settings);
  if (validateOnly) return;
  const altered = resource.resourceName === ALL_BROKERS ? { all: settings } : { own: settings };
  await store.alterBroker(altered);
  logger.info({ broker: resource.resourceName, settings, clientId }, 'broker settings altered');
}

/** The result for a change that failed. */
export function errorOf(
  error: unknown,
  { resourceType }: Resource,
  { logger }: Services,
): { errorCode: number; errorMessage: string } {
  const wrong = resourceType === ResourceType.BROKER ? ErrorCode.INVALID_REQUEST : ErrorCode.INVALID_CONFIG;
  const errorCode = error instanceof SettingError ? wrong : codeOf(error);
  if (errorCode === ErrorCode.UNKNOWN_SERVER_ERROR) logger.error({ err: error }, 'settings request failed');
  return { errorCode, errorMessage: (error as Error).message };
}

function checkResource({ resourceType, resourceName }: Resource, { store, node }: Services): void {
  if (resourceType === ResourceType.TOPIC) {
    if (store.topic(resourceName) !== undefined) return;
    checkTopicName(resourceName);
    throw new ProtocolError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `Topic '${resourceName}' does not exist.`);
  }
  if (resourceType !== ResourceType.BROKER) {
    throw new ProtocolError(ErrorCode.INVALID_REQUEST, `unsupported resource type ${resourceType}`);
  }
  if (resourceName === ALL_BROKERS || resourceName === String(node.id)) return;
  throw new ProtocolError(
    ErrorCode.INVALID_REQUEST,
    `unexpected broker id, expected ${node.id}, got ${resourceName}`,
  );
}
