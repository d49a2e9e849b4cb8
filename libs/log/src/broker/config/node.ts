import type { BrokerConfig } from './config.js';
import { SettingError } from './settings/settings.js';
import { addressFor, type Listener } from './listener.js';

/** Id and advertised address of a broker. */
export interface BrokerNode {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

/** Determines id and advertised address, and sets the settings that depend on them. @throws SettingError */
export function settleNode(
  config: BrokerConfig,
  { listener, port, dataDir }: { listener: Listener; port: number; dataDir: string },
): BrokerNode {
  const older = config.number('broker.id');
  const id = config.wasGiven('node.id') || older < 0 ? config.number('node.id') : older;
  if (older >= 0 && older !== id) throw new SettingError(`broker.id differs from node.id: ${id}`);
  const address = addressFor(listener, port);
  config.settle('node.id', String(id));
  config.settle('broker.id', String(id));
  config.settle('listeners', `${listener.name}://${hostAndPort({ host: listener.host, port })}`);
  config.settle('advertised.listeners', `${listener.name}://${hostAndPort(address)}`);
  config.settle('log.dirs', dataDir);
  config.settle('log.dir', dataDir);
  return { id, ...address, rack: config.text('broker.rack') || null };
}

/** `host:port`, with brackets around an IPv6 address. */
export function hostAndPort({ host, port }: { host: string; port: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
