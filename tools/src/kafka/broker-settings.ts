/** The ports of a node. */
export interface Ports {
  readonly broker: number;
  readonly controller: number;
}

/** The settings of a node that differ from Kafka's defaults. Nodes are numbered from 0, their ids from 1. */
export function brokerSettings({
  node,
  host,
  ports,
  dataDir,
}: {
  readonly node: number;
  readonly host: string;
  /** The ports of all nodes. */
  readonly ports: readonly Ports[];
  readonly dataDir: string;
}): Record<string, string> {
  const { broker, controller } = ports[node] as Ports;
  const replicas = String(ports.length);
  const inSync = ports.length > 1 ? '2' : '1';
  return {
    'process.roles': 'broker,controller',
    'node.id': String(node + 1),
    'controller.quorum.voters': ports.map((other, i) => `${i + 1}@${host}:${other.controller}`).join(','),
    listeners: `PLAINTEXT://${host}:${broker},CONTROLLER://${host}:${controller}`,
    'advertised.listeners': `PLAINTEXT://${host}:${broker}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': dataDir,
    'broker.rack': `rack-${node + 1}`,
    'default.replication.factor': replicas,
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': inSync,
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': inSync,
    // Waiting for further group members only delays tests.
    'group.initial.rebalance.delay.ms': '0',
  };
}
