import * as fs from 'node:fs/promises';
import { SettingError } from '../../config/settings/settings.js';
import {
  ANY_RESOURCE,
  CLUSTER,
  OPERATIONS,
  RESOURCE_TYPES,
  withImplied,
  type Acl,
  type Operation,
  type ResourceType,
} from './acl.js';

const MAX_ACLS = 10_000;

/**
 * Reads the file with ACLs: one per line, as `principal operations resource-type resource-name [literal|prefixed]`.
 * Operations are separated by commas; a field with spaces is put in double quotes. Empty lines and lines that start with
 * `#` are ignored.
 *
 * @throws SettingError with file and line
 */
export async function readAcls(file: string): Promise<Acl[]> {
  try {
    return parseAcls(await fs.readFile(file, 'utf8'), file);
  } catch (error) {
    if (error instanceof SettingError) throw error;
    throw new SettingError(`cannot read acl.file: ${(error as Error).message}`, { cause: error });
  }
}

/** @throws SettingError if a line is invalid */
export function parseAcls(text: string, file: string): Acl[] {
  const acls: Acl[] = [];
  text.split(/\r?\n/).forEach((line, index) => {
    if (line.trim() === '' || line.startsWith('#')) return;
    try {
      acls.push(parseAcl(line));
    } catch (error) {
      throw new SettingError(`${file}, line ${index + 1}: ${(error as Error).message}`, { cause: error });
    }
  });
  if (acls.length > MAX_ACLS) throw new SettingError(`${file} has more than ${MAX_ACLS} ACLs`);
  return acls;
}

/** @throws SettingError if it is invalid */
function parseAcl(line: string): Acl {
  const fields = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  const [principal = '', operations = '', type = '', name = '', pattern = 'literal', ...rest] = fields;
  if (name === '' || rest.length > 0) {
    throw new SettingError('expected principal operations resource-type resource-name [literal|prefixed]');
  }
  if (!/^User:./.test(principal)) throw new SettingError(`principal must be User:name, got '${principal}'`);
  if (!isOneOf(RESOURCE_TYPES, type))
    throw new SettingError(`resource type must be ${oneOf(RESOURCE_TYPES, type)}`);
  if (pattern !== 'literal' && pattern !== 'prefixed') {
    throw new SettingError(`pattern must be ${oneOf(['literal', 'prefixed'], pattern)}`);
  }
  return {
    principal,
    operations: withImplied(operationsIn(operations)),
    resourceType: type,
    resourceName: checkName(name, type, pattern),
    pattern,
  };
}

function operationsIn(text: string): Operation[] {
  return text.split(',').flatMap((operation) => {
    if (operation === 'All') return [...OPERATIONS];
    if (!isOneOf(OPERATIONS, operation)) {
      throw new SettingError(`operation must be ${oneOf(['All', ...OPERATIONS], operation)}`);
    }
    return [operation];
  });
}

function checkName(name: string, type: ResourceType, pattern: Acl['pattern']): string {
  if (type === 'cluster' && name !== CLUSTER && name !== ANY_RESOURCE) {
    throw new SettingError(`the name of the cluster is ${CLUSTER}, got '${name}'`);
  }
  // In Kafka such a rule matches names that begin with an asterisk, which no topic has.
  if (pattern === 'prefixed' && name === ANY_RESOURCE) {
    throw new SettingError(`${ANY_RESOURCE} is every name, and must be literal`);
  }
  return name;
}

function isOneOf<T extends string>(values: readonly T[], value: string): value is T {
  return (values as readonly string[]).includes(value);
}

function oneOf(values: readonly string[], got: string): string {
  return `one of ${values.join(', ')}, got '${got}'`;
}
