import * as fs from 'node:fs/promises';
import { createSecureContext, type TlsOptions } from 'node:tls';
import type { BrokerConfig } from '../config/config.js';
import { SettingError } from '../config/settings/settings.js';

/** The same minimum as Kafka. */
const MIN_VERSION = 'TLSv1.2';

/**
 * Reads certificate, key and authorities of the listener.
 *
 * @throws SettingError if a file is missing, or they do not match
 */
export async function readTlsOptions(config: BrokerConfig): Promise<TlsOptions> {
  const asksClients = config.text('ssl.client.auth') === 'required';
  if (!asksClients && config.text('ssl.ca.location') !== '') {
    throw new SettingError('ssl.ca.location has no effect with ssl.client.auth=none');
  }
  const [cert, key] = await Promise.all([
    readPem(config, 'ssl.certificate.location'),
    readPem(config, 'ssl.key.location'),
  ]);
  const ca = asksClients ? { ca: await readPem(config, 'ssl.ca.location') } : {};
  const options: TlsOptions = {
    cert,
    key,
    minVersion: MIN_VERSION,
    ...ca,
    requestCert: asksClients,
    rejectUnauthorized: asksClients,
  };
  try {
    createSecureContext(options);
  } catch (cause) {
    const files = 'ssl.certificate.location, ssl.key.location';
    throw new SettingError(`invalid TLS configuration (${files}): ${(cause as Error).message}`, { cause });
  }
  return options;
}

async function readPem(
  config: BrokerConfig,
  setting: 'ssl.certificate.location' | 'ssl.key.location' | 'ssl.ca.location',
): Promise<string> {
  const file = config.text(setting);
  if (file === '') throw new SettingError(`${setting} must be set to a PEM file`);
  try {
    return await fs.readFile(file, 'utf8');
  } catch (cause) {
    throw new SettingError(`cannot read ${setting}: ${(cause as Error).message}`, { cause });
  }
}
