import { describe, expect, it } from 'vitest';
import { BrokerConfig } from './config.js';
import { addressFor, settleListener } from './listener.js';

const settle = (settings: Record<string, string>, overrides = {}) => {
  const config = new BrokerConfig(settings);
  const listener = settleListener(config, overrides);
  return { ...listener, protocol: config.text('listener.security.protocol') };
};

describe(settleListener, () => {
  it('listens on the loopback address by default', () => {
    expect(settle({})).toEqual({ name: 'PLAINTEXT', host: '127.0.0.1', port: 9092, protocol: 'PLAINTEXT' });
  });

  it("parses Kafka's format, and ignores controller listeners", () => {
    expect(settle({ listeners: 'SASL_SSL://10.0.0.1:9094,CONTROLLER://:9093' })).toMatchObject({
      host: '10.0.0.1',
      port: 9094,
      protocol: 'SASL_SSL',
    });
    expect(settle({ listeners: 'ssl://[::1]:1' })).toMatchObject({ host: '::1', port: 1, protocol: 'SSL' });
    expect(settle({ listeners: 'PLAINTEXT://:9092' })).toMatchObject({ host: '0.0.0.0' });
  });

  it('maps listener names to protocols', () => {
    const map = { 'listener.security.protocol.map': 'INSIDE:SASL_PLAINTEXT' };
    expect(settle({ listeners: 'INSIDE://127.0.0.1:1', ...map })).toMatchObject({
      protocol: 'SASL_PLAINTEXT',
    });
  });

  it('prefers --host and --port', () => {
    expect(settle({ listeners: 'SSL://10.0.0.1:9094' }, { host: '127.0.0.1', port: 0 })).toMatchObject({
      host: '127.0.0.1',
      port: 0,
      protocol: 'SSL',
    });
  });

  it('advertises the configured address, by default that of the listener', () => {
    const at = (settings: Record<string, string>) =>
      addressFor(settleListener(new BrokerConfig(settings), {}), 4711);
    expect(at({})).toEqual({ host: '127.0.0.1', port: 4711 });
    expect(at({ listeners: 'PLAINTEXT://0.0.0.0:0' })).toEqual({ host: '127.0.0.1', port: 4711 });
    expect(at({ 'advertised.host': 'broker.example' })).toEqual({ host: 'broker.example', port: 4711 });
    expect(at({ 'advertised.listeners': 'PLAINTEXT://broker.example:1' })).toEqual({
      host: 'broker.example',
      port: 1,
    });
  });

  it.each([
    [{ listeners: '127.0.0.1:9092' }, /listeners must be NAME:\/\/HOST:PORT, got '127\.0\.0\.1:9092'/],
    [{ listeners: 'PLAINTEXT://127.0.0.1:70000' }, /must be NAME/],
    [{ listeners: 'PLAINTEXT://a:1,SSL://b:2' }, /listeners must be one/],
    [{ listeners: 'INSIDE://a:1' }, /has no protocol for the listener INSIDE/],
    [
      { listeners: 'SSL://a:1', 'listener.security.protocol': 'PLAINTEXT' },
      /differs from the protocol of listeners: SSL/,
    ],
    [
      { 'advertised.listeners': 'SSL://a:1' },
      /advertised\.listeners does not contain the listener PLAINTEXT/,
    ],
    [{ 'advertised.listeners': 'PLAINTEXT://:1' }, /must have a host that clients can reach/],
    [{ 'advertised.listeners': 'PLAINTEXT://a:1', 'advertised.host': 'a' }, /cannot both be set/],
  ])('rejects %j', (settings, message) => {
    expect(() => settle(settings as Record<string, string>)).toThrow(message);
  });
});
