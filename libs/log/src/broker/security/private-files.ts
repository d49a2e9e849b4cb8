import * as fs from 'node:fs/promises';
import type { Logger } from 'pino';
import type { BrokerConfig } from '../config/config.js';

const SECRET_FILES = ['sasl.users.file', 'ssl.key.location'] as const;

/** Warns of files with secrets that other users of the machine can read. */
export async function warnOfReadableSecrets(config: BrokerConfig, logger: Logger): Promise<void> {
  for (const setting of SECRET_FILES) {
    const file = config.text(setting);
    if (file === '' || process.platform === 'win32') continue;
    const { mode } = await fs.stat(file);
    if ((mode & 0o004) === 0) continue;
    logger.warn(
      { setting, file, mode: (mode & 0o777).toString(8) },
      'file with secrets is readable by every user',
    );
  }
}
