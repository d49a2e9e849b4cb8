import type { BrokerConfig } from '../../config/config.js';
import { SettingError } from '../../config/settings/settings.js';
import { readAcls } from './acl-file.js';
import { Authorizer } from './authorizer.js';

/**
 * Loads the ACLs of `acl.file`.
 *
 * @returns undefined if it is not set
 * @throws SettingError if the file or a setting is invalid
 */
export async function openAuthorizer(config: BrokerConfig): Promise<Authorizer | undefined> {
  const file = config.text('acl.file');
  const superUsers = config
    .text('super.users')
    .split(';')
    .map((user) => user.trim())
    .filter((user) => user !== '');
  for (const user of superUsers) {
    if (!/^User:./.test(user)) {
      throw new SettingError(`super.users must be User:name, separated by semicolons, got '${user}'`);
    }
  }
  if (file !== '') return new Authorizer(await readAcls(file), new Set(superUsers));
  if (superUsers.length > 0) throw new SettingError('super.users has no effect without acl.file');
  return undefined;
}
