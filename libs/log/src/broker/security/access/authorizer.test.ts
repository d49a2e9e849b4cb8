import { describe, expect, it } from 'vitest';
import { SettingError } from '../../config/settings/settings.js';
import { parseAcls } from './acl-file.js';
import { Authorizer } from './authorizer.js';

const FILE = `
# who may do what
User:ingest      Write                  topic            ride.         prefixed
User:batch       Read                   topic            ride.trips
User:batch       Read,Delete            group            batch-        prefixed
"User:CN=a b,O=c" All                   transactional-id *
User:ops         AlterConfigs,Create    cluster          kafka-cluster
User:*           Describe               topic            ride.public   literal
`;

const authorizer = new Authorizer(parseAcls(FILE, 'acls'), new Set(['User:root']));

describe(Authorizer, () => {
  it.each([
    ['User:ingest', 'Write', 'topic', 'ride.telemetry', true],
    ['User:ingest', 'Describe', 'topic', 'ride.telemetry', true],
    ['User:ingest', 'Read', 'topic', 'ride.telemetry', false],
    ['User:ingest', 'Write', 'topic', 'rides', false],
    ['User:ingest', 'Write', 'group', 'ride.telemetry', false],
    ['User:batch', 'Read', 'topic', 'ride.trips', true],
    ['User:batch', 'Read', 'topic', 'ride.trips2', false],
    ['User:batch', 'Describe', 'group', 'batch-loads', true],
    ['User:batch', 'Read', 'topic', '*', false],
    ['User:CN=a b,O=c', 'Write', 'transactional-id', 'anything', true],
    ['User:ops', 'DescribeConfigs', 'cluster', 'kafka-cluster', true],
    ['User:ops', 'Alter', 'cluster', 'kafka-cluster', false],
    ['User:ANONYMOUS', 'Describe', 'topic', 'ride.public', true],
    ['User:ingest', 'Describe', 'topic', 'ride.public', true],
    ['User:ANONYMOUS', 'Read', 'topic', 'ride.public', false],
    ['User:root', 'Delete', 'topic', 'anything', true],
    ['User:roo', 'Delete', 'topic', 'anything', false],
    ['user:root', 'Delete', 'topic', 'anything', false],
  ] as const)('%s %s %s %s: %s', (principal, operation, type, name, allowed) => {
    expect(authorizer.accessOf(principal).may(operation, type, name)).toBe(allowed);
  });

  it('knows whether a principal may write to any topic', () => {
    expect(authorizer.accessOf('User:ingest').mayAny('Write', 'topic')).toBe(true);
    expect(authorizer.accessOf('User:batch').mayAny('Write', 'topic')).toBe(false);
  });
});

describe(parseAcls, () => {
  it.each([
    ['User:a Read topic', /acls, line 1: expected principal operations/],
    ['User:a Read topic rides literal more', /expected principal operations/],
    ['a Read topic rides', /principal must be User:name/],
    ['User:a Reed topic rides', /operation must be one of All, Read,/],
    ['User:a Read topics rides', /resource type must be one of topic, group/],
    ['User:a Read topic rides exact', /pattern must be one of literal, prefixed/],
    ['User:a Read topic * prefixed', /must be literal/],
    ['User:a Read cluster rides', /the name of the cluster is kafka-cluster/],
  ])('refuses "%s"', (line, message) => {
    expect(() => parseAcls(line, 'acls')).toThrow(SettingError);
    expect(() => parseAcls(line, 'acls')).toThrow(message);
  });
});
