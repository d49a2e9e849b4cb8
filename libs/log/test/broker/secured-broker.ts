import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino, type Logger } from 'pino';
import { startTestBroker, type TestBroker } from '../../src/testing.js';

const CERTIFICATES = fileURLToPath(new URL('../fixtures/tls', import.meta.url));

export const USER = 'ada';
export const PASSWORD = 'correct horse, battery=staple';
/** Settings of a TLS listener. */
export const TLS_SETTINGS = {
  'ssl.certificate.location': certificate('broker.crt'),
  'ssl.key.location': certificate('broker.key'),
};

/** The path of a test certificate or key. */
export function certificate(name: string): string {
  return path.join(CERTIFICATES, name);
}

/** A test certificate or key in PEM format. */
export async function pem(name: string): Promise<string> {
  return fs.readFile(certificate(name), 'utf8');
}

/**
 * Writes a users file with one user.
 * @returns its path
 */
export async function writeUsers(folder: string): Promise<string> {
  const file = path.join(folder, 'users');
  await fs.writeFile(file, `# who may connect\n${USER}:${PASSWORD}\n`);
  return file;
}

/** A broker that requires authentication, with all mechanisms enabled. */
export async function startSecuredBroker(
  settings: Record<string, string> = {},
  logger: Logger = pino({ level: 'silent' }),
): Promise<TestBroker> {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'hailstream-users-'));
  try {
    return await startTestBroker({
      logger,
      settings: {
        'listener.security.protocol': 'SASL_PLAINTEXT',
        'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
        'sasl.users.file': await writeUsers(folder),
        ...settings,
      },
    });
  } finally {
    // Read at start only.
    await fs.rm(folder, { recursive: true });
  }
}
