import type { Logger } from 'pino';
import type { BrokerConfig } from '../../config/config.js';
import type { StoredTopics } from './topics-file.js';

/** Takes over what was altered. What this version can't heed is left out, and said: a broker that does not start is worse. */
export function restoreSettings(
  config: BrokerConfig,
  { brokerSettings, allBrokersSettings = {} }: StoredTopics,
  logger: Logger,
): void {
  const heeded = (settings: Record<string, string>) =>
    Object.fromEntries(
      Object.entries(settings).filter(([name, value]) => {
        try {
          config.checkAltered({ [name]: value });
          return true;
        } catch (err) {
          logger.warn({ err, setting: name, value }, 'a setting that was altered does not hold any longer');
          return false;
        }
      }),
    );
  config.alter({ own: heeded(brokerSettings), all: heeded(allBrokersSettings) });
}
