import { BROKER_SETTINGS } from './broker-settings.js';

/** Settings of Kafka's brokers that this one does not have. */
export interface ForeignSettings {
  /** A name that ends in `*` stands for all that begin so. */
  readonly names: readonly string[];
  readonly because: string;
}

/** Taken and without effect: what they are for needs no setting here. */
export const PASSED_OVER: readonly ForeignSettings[] = [
  {
    because: 'there is one broker, and nothing between brokers',
    names: words(`
      process.roles controller.* broker.heartbeat.interval.ms broker.session.timeout.ms early.start.listeners
      initial.broker.registration.timeout.ms controlled.shutdown.enable inter.broker.listener.name metadata.*
      security.inter.broker.protocol sasl.mechanism.inter.broker.protocol sasl.mechanism.controller.protocol
      auto.leader.rebalance.enable leader.imbalance.check.interval.seconds unclean.leader.election.enable replica.*
      num.replica.fetchers num.replica.alter.log.dirs.threads replication.quota.* alter.log.dirs.replication.quota.*
      follower.fetch.last.tiered.offset.enable request.timeout.ms socket.connection.setup.*`),
  },
  {
    because: "the broker's own topics have one partition and one replica",
    names: words(`
      offsets.topic.num.partitions offsets.topic.replication.factor offsets.topic.compression.codec
      offsets.load.buffer.size offsets.commit.timeout.ms transaction.state.log.* transaction.partition.verification.enable
      add.partitions.to.txn.*`),
  },
  {
    because: 'there are no threads to share out',
    names: words(`
      num.network.threads num.io.threads background.threads num.recovery.threads.per.data.dir queued.max.requests
      group.coordinator.threads group.coordinator.background.threads group.coordinator.append.linger.ms
      group.coordinator.cached.buffer.max.bytes log.cleaner.threads log.cleaner.io.buffer.size
      log.cleaner.io.buffer.load.factor`),
  },
  {
    because: 'waiting requests and fetch sessions are not kept in such a way',
    names: words(`
      fetch.purgatory.purge.interval.requests producer.purgatory.purge.interval.requests
      delete.records.purgatory.purge.interval.requests share.fetch.purgatory.purge.interval.requests
      max.incremental.fetch.session.cache.slots max.request.partition.size.limit`),
  },
  {
    because: 'the operating system knows better',
    names: words('socket.send.buffer.bytes socket.receive.buffer.bytes socket.listen.backlog.size'),
  },
  {
    because: 'files grow with what is written, indexes with them, and what is deleted goes at once',
    names: words(`
      log.preallocate log.index.interval.bytes log.index.size.max.bytes log.segment.delete.delay.ms
      log.flush.start.offset.checkpoint.interval.ms log.dir.failure.timeout.ms`),
  },
  {
    because: 'nothing is compressed again',
    names: words('compression.gzip.level compression.lz4.level compression.zstd.level'),
  },
  {
    because: 'metrics are served on metrics.port',
    names: words(
      'metric.reporters metrics.num.samples metrics.sample.window.ms metrics.recording.level kafka.metrics.*',
    ),
  },
  {
    because: 'the classic group protocol alone is served',
    names: words('group.consumer.* group.share.* group.streams.* share.coordinator.*'),
  },
];

/** Refused: whoever sets them would not get what they ask for. */
export const REFUSED: readonly ForeignSettings[] = [
  {
    because: 'there is no authorization',
    names: words('authorizer.class.name super.users allow.everyone.*'),
  },
  {
    because: 'there is no JVM that could load classes',
    names: words(`
      principal.builder.class create.topic.policy.class.name alter.config.policy.class.name security.providers
      config.providers config.providers.* ssl.engine.factory.class ssl.provider
      ssl.keymanager.algorithm ssl.trustmanager.algorithm ssl.secure.random.implementation sasl.login.*
      sasl.client.callback.handler.class sasl.server.callback.handler.class`),
  },
  {
    because: 'there are no quotas',
    names: words('client.quota.* quota.* max.connection.creation.rate max.connections.per.ip.overrides'),
  },
  {
    because:
      'keys and certificates are PEM files: ssl.key.location, ssl.certificate.location, ssl.ca.location',
    names: words('ssl.keystore.* ssl.truststore.* ssl.key.password'),
  },
  {
    because: "TLS is as Node.js has it: 1.2 and 1.3, and OpenSSL's ciphers",
    names: words(`
      ssl.protocol ssl.enabled.protocols ssl.cipher.suites ssl.endpoint.identification.algorithm
      ssl.allow.dn.changes ssl.allow.san.changes ssl.principal.mapping.rules`),
  },
  {
    because: 'users are in a file: sasl.users.file',
    names: words('sasl.jaas.config sasl.kerberos.* sasl.oauthbearer.*'),
  },
  { because: 'nobody has to authenticate again', names: words('connections.max.reauth.ms') },
  { because: 'there is one listener: it is set without listener.name', names: words('listener.name.*') },
  { because: 'there are no delegation tokens', names: words('delegation.token.*') },
  { because: 'there is no tiered storage', names: words('remote.* log.local.retention.*') },
  { because: 'there is one data folder', names: words('cordoned.log.dirs') },
  { because: 'segments begin when they are due', names: words('log.roll.jitter.hours') },
  {
    because: 'compaction goes as fast as the rest of the broker lets it',
    names: words('log.cleaner.io.max.bytes.per.second'),
  },
  {
    because: 'requests wait per connection, at most 64 and 32 MiB',
    names: words('queued.max.request.bytes'),
  },
  {
    because: 'the classic group protocol alone is served',
    names: words('group.coordinator.rebalance.protocols'),
  },
  { because: 'clients send no telemetry', names: words('telemetry.max.bytes') },
  {
    because: 'there are no two-phase commits',
    names: words('transaction.two.phase.commit.enable'),
  },
];

/** Why this broker does not have a setting that Kafka has. @returns undefined for a name that is not Kafka's */
export function whyForeign(name: string): { passedOver: boolean; because: string } | undefined {
  for (const [groups, passedOver] of [[PASSED_OVER, true] as const, [REFUSED, false] as const]) {
    const found = groups.find(({ names }) => names.some((pattern) => matches(name, pattern)));
    if (found !== undefined) return { passedOver, because: found.because };
  }
  return undefined;
}

function matches(name: string, pattern: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}

/** Most letters by which a name may differ from the one that is meant. */
const MOST_TYPOS = 3;

/** The setting whose name is nearest to one that there is not. */
export function nearestSetting(name: string): string | undefined {
  const [nearest] = Object.keys(BROKER_SETTINGS)
    .map((known) => ({ known, typos: typosBetween(name, known) }))
    .sort((a, b) => a.typos - b.typos);
  return nearest !== undefined && nearest.typos <= MOST_TYPOS ? nearest.known : undefined;
}

/** Letters to add, drop or change to get from one to the other. */
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
