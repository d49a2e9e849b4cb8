import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConfigError } from '../config/read-env.js';
import {
  DRAIN_TIMEOUT_MS,
  runService,
  START_GRACE_MS,
  StartError,
  startFailure,
  type Service,
} from './run-service.js';

class FakeProcess extends EventEmitter {
  exitCode: number | string | null | undefined;
  readonly exits: number[] = [];
  written = '';
  readonly stderr = { write: (text: string) => (this.written += text) };

  exit(code: number): void {
    this.exits.push(code);
  }
}

describe(runService, () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  async function started(service: Service): Promise<FakeProcess> {
    const control = new FakeProcess();
    await runService({ name: 'test', main: () => Promise.resolve(service), control });
    return control;
  }

  it.each(['SIGTERM', 'SIGINT'])('drains on %s and exits with code 0', async (signal) => {
    const close = vi.fn(() => Promise.resolve());
    const control = await started({ close });
    control.emit(signal);
    await vi.waitFor(() => expect(control.exitCode).toBe(0));
    expect(close).toHaveBeenCalledOnce();
    expect(control.exits).toEqual([]);
  });

  it('exits with code 1 if the service does not drain in time', async () => {
    const control = await started({ close: () => new Promise(() => undefined) });
    control.emit('SIGTERM');
    await vi.advanceTimersByTimeAsync(DRAIN_TIMEOUT_MS);
    expect(control.exits).toEqual([1]);
    expect(control.written).toContain('drain timed out after');
  });

  it('exits immediately on a second signal', async () => {
    const control = await started({ close: () => new Promise(() => undefined) });
    control.emit('SIGINT');
    control.emit('SIGINT');
    expect(control.exits).toEqual([1]);
  });

  it('exits soon after a signal during the start', async () => {
    const control = new FakeProcess();
    void runService({ name: 'test', main: () => new Promise(() => undefined), control });
    control.emit('SIGTERM');
    await vi.advanceTimersByTimeAsync(START_GRACE_MS);
    expect(control.exits).toEqual([0]);
  });

  it('drains a service that finishes starting after the signal', async () => {
    const control = new FakeProcess();
    const close = vi.fn(() => Promise.resolve());
    const running = runService({ name: 'test', main: () => Promise.resolve({ close }), control });
    control.emit('SIGTERM');
    await running;
    await vi.advanceTimersByTimeAsync(START_GRACE_MS);
    expect(close).toHaveBeenCalledOnce();
    expect(control.exitCode).toBe(0);
    expect(control.exits).toEqual([]);
  });

  it('exits with code 1 and the reason if the shutdown fails', async () => {
    const control = await started({ close: () => Promise.reject(new Error('the disk failed')) });
    control.emit('SIGTERM');
    await vi.waitFor(() => expect(control.exits).toEqual([1]));
    expect(control.written).toContain('the disk failed');
  });

  it('prints one line per invalid variable and exits with code 1', async () => {
    const control = new FakeProcess();
    const issues = [
      { variable: 'PORT', expected: 'a whole number', got: '"x"' },
      { variable: 'HOST', expected: 'a loopback address', got: '"::"' },
    ];
    await runService({ name: 'test', main: () => Promise.reject(new ConfigError(issues)), control });
    expect(control.exits).toEqual([1]);
    expect(control.written).toBe(
      'test: PORT: expected a whole number, got "x"\ntest: HOST: expected a loopback address, got "::"\n',
    );
  });
});

describe(startFailure, () => {
  const listenError = (code: string): Error =>
    Object.assign(new Error(code), { code, syscall: 'listen', address: '127.0.0.1', port: 4000 });

  it('reports the error of a worker of a cluster in the same way', () => {
    const error = Object.assign(listenError('EADDRINUSE'), { syscall: 'bind' });
    expect(startFailure(error)).toBe('cannot listen on 127.0.0.1:4000: the port is in use (PORT)');
  });

  it('reports only the message of an explained failure', () => {
    expect(startFailure(new StartError('a worker exited'))).toBe('a worker exited');
  });

  it.each([
    ['EADDRINUSE', 'cannot listen on 127.0.0.1:4000: the port is in use (PORT)'],
    ['EACCES', 'cannot listen on 127.0.0.1:4000: not permitted (PORT)'],
    ['EADDRNOTAVAIL', 'cannot listen on 127.0.0.1:4000: EADDRNOTAVAIL (HOST)'],
  ])('reports %s in one line', (code, line) => {
    expect(startFailure(listenError(code))).toBe(line);
  });

  it('includes the stack of a bug', () => {
    expect(startFailure(new TypeError('x is not a function'))).toContain('run-service.test.ts');
  });
});
