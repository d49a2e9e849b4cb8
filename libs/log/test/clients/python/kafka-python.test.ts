import { beforeAll, describe } from 'vitest';
import { describePromises } from '../promises.js';
import { PythonClient } from './python-clients.js';

const INSTALL_TIMEOUT_MS = 11 * 60_000;

let kafkaPython: PythonClient;
beforeAll(async () => {
  kafkaPython = await PythonClient.install('kafka_python');
}, INSTALL_TIMEOUT_MS);

describe('kafka-python', () => {
  describePromises(() => kafkaPython);
});
