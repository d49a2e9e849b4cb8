import type { TlsOptions } from 'node:tls';
import type { BrokerConfig } from '../config/config.js';
import type { BrokerSetting } from '../config/broker-settings.js';
import { listOf, SASL_MECHANISMS, SettingError, type SaslMechanism } from '../config/settings.js';
import { PlainExchange } from './sasl/plain-exchange.js';
import { ScramExchange } from './sasl/scram-exchange.js';
import { Session, type SaslMechanisms } from './session.js';
import { readTlsOptions } from './tls-files.js';
import { readUsers, type Users } from './sasl/users.js';

const TLS_FILES = ['ssl.certificate.location', 'ssl.key.location', 'ssl.ca.location'] as const;

/** How the listener's connections are made safe. */
export interface Security {
  /** Missing: they are not encrypted. */
  readonly tls?: TlsOptions;
  /** For each new connection. */
  newSession(): Session;
}

/**
 * Reads what `listener.security.protocol` takes.
 *
 * @throws SettingError where something is missing, wrong, or set and of no effect
 */
export async function openSecurity(config: BrokerConfig): Promise<Security> {
  const protocol = config.text('listener.security.protocol');
  const usesTls = protocol === 'SSL' || protocol === 'SASL_SSL';
  const usesSasl = protocol === 'SASL_PLAINTEXT' || protocol === 'SASL_SSL';
  // Who sets these believes to be safe.
  if (!usesSasl) refuseSet(config, 'sasl.users.file', protocol);
  if (!usesTls) for (const name of TLS_FILES) refuseSet(config, name, protocol);
  const mechanisms = usesSasl ? await openMechanisms(config) : undefined;
  const failureDelayMs = config.number('connection.failed.authentication.delay.ms');
  return {
    ...(usesTls ? { tls: await readTlsOptions(config) } : {}),
    newSession: () => new Session(mechanisms, failureDelayMs),
  };
}

function refuseSet(config: BrokerConfig, name: BrokerSetting, protocol: string): void {
  if (config.text(name) === '') return;
  throw new SettingError(`${name} is of no use while listener.security.protocol is ${protocol}`);
}

async function openMechanisms(config: BrokerConfig): Promise<SaslMechanisms> {
  const file = config.text('sasl.users.file');
  if (file === '') throw new SettingError('sasl.users.file must name a file of users: name:password a line');
  const users = await readUsers(file);
  const enabled = listOf(config.text('sasl.enabled.mechanisms'));
  return new Map(
    SASL_MECHANISMS.filter((name) => enabled.includes(name)).map((name) => [name, exchangesOf(name, users)]),
  );
}

function exchangesOf(mechanism: SaslMechanism, users: Users) {
  switch (mechanism) {
    case 'PLAIN':
      return () => new PlainExchange(users);
    case 'SCRAM-SHA-256':
      return () => new ScramExchange('sha256', users);
    case 'SCRAM-SHA-512':
      return () => new ScramExchange('sha512', users);
  }
}
