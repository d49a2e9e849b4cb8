import type { Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import type { BrokerConfig } from '../config/config.js';
import type { BrokerSetting } from '../config/settings/broker-settings.js';
import { listOf, SASL_MECHANISMS, SettingError, type SaslMechanism } from '../config/settings/settings.js';
import { PlainExchange } from './sasl/plain-exchange.js';
import { certifiedPrincipal } from './certified-principal.js';
import { ScramExchange } from './sasl/scram-exchange.js';
import { Session, type SaslMechanisms } from './session.js';
import { readTlsOptions } from './tls-files.js';
import { readUsers, type Users } from './sasl/users.js';

const TLS_FILES = ['ssl.certificate.location', 'ssl.key.location', 'ssl.ca.location'] as const;

/** TLS and authentication of the listener. */
export interface Security {
  /** Undefined without TLS. */
  readonly tls?: TlsOptions;
  /** Whether clients have to complete a handshake or to authenticate before they are served. */
  readonly asksClients: boolean;
  /** Creates the session of a new connection. */
  newSession(socket: Socket): Session;
}

/**
 * Loads what `listener.security.protocol` requires.
 *
 * @throws SettingError if a setting is missing, invalid or without effect
 */
export async function openSecurity(config: BrokerConfig): Promise<Security> {
  const protocol = config.text('listener.security.protocol');
  const usesTls = protocol === 'SSL' || protocol === 'SASL_SSL';
  const usesSasl = protocol === 'SASL_PLAINTEXT' || protocol === 'SASL_SSL';
  // An ineffective setting suggests protection that does not exist.
  if (!usesSasl) rejectSettings(config, 'sasl.users.file', protocol);
  if (!usesTls) for (const name of TLS_FILES) rejectSettings(config, name, protocol);
  const mechanisms = usesSasl ? await openMechanisms(config) : undefined;
  const failureDelayMs = config.number('connection.failed.authentication.delay.ms');
  return {
    ...(usesTls ? { tls: await readTlsOptions(config) } : {}),
    asksClients: usesTls || usesSasl,
    newSession: (socket) => new Session(mechanisms, failureDelayMs, certifiedPrincipal(socket)),
  };
}

function rejectSettings(config: BrokerConfig, name: BrokerSetting, protocol: string): void {
  if (config.text(name) === '') return;
  throw new SettingError(`${name} has no effect if listener.security.protocol is ${protocol}`);
}

async function openMechanisms(config: BrokerConfig): Promise<SaslMechanisms> {
  const file = config.text('sasl.users.file');
  if (file === '')
    throw new SettingError('sasl.users.file must be set: a file with one name:password per line');
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
