import { beforeAll, describe } from 'vitest';
import { describePromises } from '../promises.js';
import { KafkaClients } from './kafka-clients.js';

let clients: KafkaClients;
beforeAll(async () => {
  clients = await KafkaClients.find();
});

describe("Apache Kafka's Java client", () => {
  describePromises(() => clients);
});
