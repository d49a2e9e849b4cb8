import { BlockList, isIP, isIPv6 } from 'node:net';
import type { BrokerConfig } from '../config/config.js';
import { SettingError } from '../config/settings/settings.js';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/**
 * Requires authentication if the broker listens on an address other than the loopback interface.
 *
 * @throws SettingError if the listener has no authentication
 */
export function checkExposure(host: string, config: BrokerConfig): void {
  if (isLoopback(host) || asksWho(config)) return;
  throw new SettingError(
    `listening on ${host} requires authentication: listener.security.protocol must be SASL_SSL or SASL_PLAINTEXT ` +
      `(or SSL with ssl.client.auth=required), got '${config.text('listener.security.protocol')}'`,
  );
}

function asksWho(config: BrokerConfig): boolean {
  const protocol = config.text('listener.security.protocol');
  if (protocol === 'SSL') return config.text('ssl.client.auth') === 'required';
  return protocol === 'SASL_SSL' || protocol === 'SASL_PLAINTEXT';
}

/** Host names are not resolved: their addresses may change after the check. */
function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  return isIP(host) !== 0 && LOOPBACK.check(host, isIPv6(host) ? 'ipv6' : 'ipv4');
}
