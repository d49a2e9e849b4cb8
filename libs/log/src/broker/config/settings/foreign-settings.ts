import { BROKER_SETTINGS } from './broker-settings.js';

/** Settings of Kafka that this broker does not have. */
interface ForeignSettings {
  /** A name that ends in `*` is a prefix. */
  readonly names: readonly string[];
  readonly because: string;
}

/** Accepted without effect. */
export const WITHOUT_EFFECT: readonly ForeignSettings[] = [
  {
    because: 'the cluster has one broker',
    names: words(`
      process.roles controller.* broker.heartbeat.interval.ms broker.session.timeout.ms early.start.listeners
      initial.broker.registration.timeout.ms controlled.shutdown.enable inter.broker.listener.name metadata.*
      security.inter.broker.protocol sasl.mechanism.inter.broker.protocol sasl.mechanism.controller.protocol
      auto.leader.rebalance.enable leader.imbalance.check.interval.seconds unclean.leader.election.enable replica.*
      num.replica.fetchers num.replica.alter.log.dirs.threads replication.quota.* alter.log.dirs.replication.quota.*
      follower.fetch.last.tiered.offset.enable request.timeout.ms socket.connection.setup.*`),
  },
  {
    because: 'internal topics have one partition and one replica',
    names: words(`
      offsets.topic.num.partitions offsets.topic.replication.factor offsets.topic.compression.codec
      offsets.load.buffer.size offsets.commit.timeout.ms transaction.state.log.* transaction.partition.verification.enable
      add.partitions.to.txn.*`),
  },
  {
    because: 'the broker has one thread',
    names: words(`
      num.network.threads num.io.threads background.threads num.recovery.threads.per.data.dir queued.max.requests
      group.coordinator.threads group.coordinator.background.threads group.coordinator.append.linger.ms
      group.coordinator.cached.buffer.max.bytes log.cleaner.threads log.cleaner.io.buffer.size
      log.cleaner.io.buffer.load.factor`),
  },
  {
    because: 'there are no purgatories and no fetch session cache',
    names: words(`
      fetch.purgatory.purge.interval.requests producer.purgatory.purge.interval.requests
      delete.records.purgatory.purge.interval.requests share.fetch.purgatory.purge.interval.requests
      max.incremental.fetch.session.cache.slots max.request.partition.size.limit`),
  },
  {
    because: 'the defaults of the operating system are used',
    names: words('socket.send.buffer.bytes socket.receive.buffer.bytes socket.listen.backlog.size'),
  },
  {
    because: 'files and indexes grow as needed and are deleted immediately',
    names: words(`
      log.preallocate log.index.interval.bytes log.index.size.max.bytes log.segment.delete.delay.ms
      log.flush.start.offset.checkpoint.interval.ms log.dir.failure.timeout.ms`),
  },
  {
    because: 'codecs use their default levels',
    names: words('compression.gzip.level compression.lz4.level compression.zstd.level'),
  },
  {
    because: 'metrics are available on metrics.port',
    names: words(
      'metric.reporters metrics.num.samples metrics.sample.window.ms metrics.recording.level kafka.metrics.*',
    ),
  },
  {
    because: 'only the classic group protocol is supported',
    names: words('group.consumer.* group.share.* group.streams.* share.coordinator.*'),
  },
];

/** Rejected: the broker cannot do what they request. */
export const UNSUPPORTED: readonly ForeignSettings[] = [
  {
    because: 'authorization is configured with acl.file, and what no ACL allows is denied',
    names: words('authorizer.class.name allow.everyone.*'),
  },
  {
    because: 'Java classes cannot be loaded',
    names: words(`
      principal.builder.class create.topic.policy.class.name alter.config.policy.class.name security.providers
      config.providers config.providers.* ssl.engine.factory.class ssl.provider
      ssl.keymanager.algorithm ssl.trustmanager.algorithm ssl.secure.random.implementation sasl.login.*
      sasl.client.callback.handler.class sasl.server.callback.handler.class`),
  },
  {
    because: 'quotas are not supported',
    names: words('client.quota.* quota.* max.connection.creation.rate max.connections.per.ip.overrides'),
  },
  {
    because:
      'keys and certificates are PEM files: ssl.key.location, ssl.certificate.location, ssl.ca.location',
    names: words('ssl.keystore.* ssl.truststore.* ssl.key.password'),
  },
  {
    because: 'TLS is that of Node.js: versions 1.2 and 1.3, ciphers of OpenSSL',
    names: words(`
      ssl.protocol ssl.enabled.protocols ssl.cipher.suites ssl.endpoint.identification.algorithm
      ssl.allow.dn.changes ssl.allow.san.changes ssl.principal.mapping.rules`),
  },
  {
    because: 'users are configured with sasl.users.file',
    names: words('sasl.jaas.config sasl.kerberos.* sasl.oauthbearer.*'),
  },
  { because: 'reauthentication is not supported', names: words('connections.max.reauth.ms') },
  {
    because: 'the broker has one listener: its settings have no listener.name prefix',
    names: words('listener.name.*'),
  },
  { because: 'delegation tokens are not supported', names: words('delegation.token.*') },
  { because: 'tiered storage is not supported', names: words('remote.* log.local.retention.*') },
  { because: 'the broker has one data directory', names: words('cordoned.log.dirs') },
  { because: 'segments are rolled without jitter', names: words('log.roll.jitter.hours') },
  {
    because: 'compaction is not throttled',
    names: words('log.cleaner.io.max.bytes.per.second'),
  },
  {
    because: 'requests are queued per connection, at most 64 requests or 32 MiB',
    names: words('queued.max.request.bytes'),
  },
  {
    because: 'only the classic group protocol is supported',
    names: words('group.coordinator.rebalance.protocols'),
  },
  { because: 'client telemetry is not supported', names: words('telemetry.max.bytes') },
  {
    because: 'two-phase commit is not supported',
    names: words('transaction.two.phase.commit.enable'),
  },
];

/** The reason why a setting of Kafka is not supported. @returns undefined for a name that Kafka does not have */
export function whyForeign(name: string): { withoutEffect: boolean; because: string } | undefined {
  for (const [groups, withoutEffect] of [[WITHOUT_EFFECT, true] as const, [UNSUPPORTED, false] as const]) {
    const found = groups.find(({ names }) => names.some((pattern) => matches(name, pattern)));
    if (found !== undefined) return { withoutEffect, because: found.because };
  }
  return undefined;
}

function matches(name: string, pattern: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}

/** Maximum edit distance of a suggestion. */
const MOST_TYPOS = 3;

/** The setting with the name most similar to an unknown one. */
export function nearestSetting(name: string): string | undefined {
  const [nearest] = Object.keys(BROKER_SETTINGS)
    .map((known) => ({ known, typos: typosBetween(name, known) }))
    .sort((a, b) => a.typos - b.typos);
  return nearest !== undefined && nearest.typos <= MOST_TYPOS ? nearest.known : undefined;
}

/** Edit distance: letters to add, remove or replace. */
function typosBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
