import type { BrokerConfig } from './config.js';
import { listOf, SettingError } from './settings/settings.js';
import type { BrokerSetting } from './settings/broker-settings.js';

const DEFAULT_PORT = 9092;
const HIGHEST_PORT = 65_535;
const LOOPBACK = '127.0.0.1';
/** Kafka's usual name of the controller listener, which configuration files for Kafka contain. */
const CONTROLLER = 'CONTROLLER';

/** The listening address, and the advertised one. */
export interface Listener {
  readonly name: string;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** If undefined, the listening address is advertised. */
  readonly advertised?: { readonly host: string; readonly port?: number };
}

interface NamedAddress {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/**
 * Determines the listener from the settings, and sets `listener.security.protocol` from its name.
 *
 * @param overrides takes precedence over `listeners`
 * @throws SettingError
 */
export function settleListener(config: BrokerConfig, overrides: { host?: string; port?: number }): Listener {
  const [listener, ...others] = addressesIn(config, 'listeners');
  if (others.length > 0)
    throw new SettingError(`listeners must be one listener, got '${config.text('listeners')}'`);
  const name = listener?.name ?? config.text('listener.security.protocol');
  if (listener !== undefined) settleProtocol(config, name);
  const advertised = advertisedOf(config, name);
  return {
    name,
    host: overrides.host ?? listener?.host ?? LOOPBACK,
    port: overrides.port ?? listener?.port ?? DEFAULT_PORT,
    ...(advertised && { advertised }),
  };
}

/** The advertised address, once the port is known. */
export function addressFor(
  { host, advertised }: Listener,
  boundPort: number,
): { host: string; port: number } {
  const reachable = host === '0.0.0.0' || host === '::' ? LOOPBACK : host;
  return { host: advertised?.host ?? reachable, port: advertised?.port ?? boundPort };
}

function settleProtocol(config: BrokerConfig, name: string): void {
  const mapped = listOf(config.text('listener.security.protocol.map')).map((pair) => pair.split(':'));
  const protocol = mapped.find(([key]) => key === name)?.[1];
  if (protocol === undefined) {
    throw new SettingError(`listener.security.protocol.map has no protocol for the listener ${name}`);
  }
  if (
    config.wasGiven('listener.security.protocol') &&
    config.text('listener.security.protocol') !== protocol
  ) {
    throw new SettingError(`listener.security.protocol differs from the protocol of listeners: ${protocol}`);
  }
  config.settle('listener.security.protocol', protocol);
}

function advertisedOf(config: BrokerConfig, name: string): Listener['advertised'] {
  const addresses = addressesIn(config, 'advertised.listeners');
  const host = config.text('advertised.host');
  if (addresses.length === 0) return host === '' ? undefined : { host };
  if (host !== '') throw new SettingError('advertised.host and advertised.listeners cannot both be set');
  const advertised = addresses.find((address) => address.name === name);
  if (advertised === undefined)
    throw new SettingError(`advertised.listeners does not contain the listener ${name}`);
  if (advertised.host === '0.0.0.0')
    throw new SettingError('advertised.listeners must have a host that clients can reach');
  return advertised;
}

function addressesIn(config: BrokerConfig, setting: BrokerSetting): NamedAddress[] {
  return listOf(config.text(setting))
    .map((text) => {
      const [, name, host, port] = /^(\w+):\/\/(.*):(\d+)$/.exec(text) ?? [];
      if (name === undefined || host === undefined || Number(port) > HIGHEST_PORT) {
        throw new SettingError(`${setting} must be NAME://HOST:PORT, got '${text}'`);
      }
      const bare = host.replace(/^\[(.*)\]$/, '$1');
      return { name: name.toUpperCase(), host: bare === '' ? '0.0.0.0' : bare, port: Number(port) };
    })
    .filter(({ name }) => name !== CONTROLLER);
}
