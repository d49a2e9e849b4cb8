import { alertExample, alertTopic, type Alert, type AlertPage } from '@hailstream/events';
import type { AlertsMessage } from '@hailstream/events/live';
import { startTestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { makeToken } from '@hailstream/service/tokens';
import { describe, expect, it } from 'vitest';
import { id, OTHER_PROVIDER, PROVIDER } from '../src/fold/events.fixture.js';
import { alertRecords, enter, ruleFiles, untilAlerts } from './_alerts.js';
import {
  append,
  appendRecords,
  getJson,
  metric,
  openSocket,
  SECRET,
  startRealtime,
  untilReady,
} from './_util.js';
import { telemetry } from '../src/fold/events.fixture.js';
import { OUTSIDE } from './_alerts.js';

const ENTERED =
  '  - { id: station-entered, kind: zone-entered, zone: station, severity: critical, clearAfter: 0s }';

const post = (url: string, headers: Record<string, string> = {}) => fetch(url, { method: 'POST', headers });

describe('alerts', () => {
  it('are raised, acknowledged and cleared once, by two processes and after a restart of both', async () => {
    await using broker = await startTestBroker();
    await using files = await ruleFiles(ENTERED);
    const vehicle = { device_id: id(1) };
    {
      await using one = await startRealtime(broker.address, files.env);
      await using two = await startRealtime(broker.address, files.env);
      await Promise.all([untilReady(one), untilReady(two)]);
      await until(
        async () =>
          (await metric(one, 'realtime_alerts_leader')) + (await metric(two, 'realtime_alerts_leader')) === 1,
        { what: 'one leader', timeoutMs: 30_000 },
      );
      await enter(broker.address, vehicle);
      const pages = await Promise.all(
        [one, two].map((service) => untilAlerts(service, ({ total }) => total === 1)),
      );
      const [alert] = pages[0]!.alerts;
      expect(alert).toMatchObject({
        state: 'open',
        rule_id: 'station-entered',
        severity: 'critical',
        provider_id: PROVIDER,
        subject: { kind: 'vehicle', device_id: id(1), zone_id: 'station' },
        summary: 'Vehicle 000001 entered Station',
        summary_parts: { code: 'zone-entered', values: { vehicle: '000001', zone: 'Station' } },
      });
      expect(pages[1]!.alerts).toEqual([alert]);
      // Both at the same time: one of them is the first.
      const answers = await Promise.all(
        [one, two].map(({ url }) => post(`${url}/alerts/${alert!.alert_id}/acknowledge`)),
      );
      expect(answers.map(({ status }) => status)).toEqual([200, 200]);
      expect(await answers[0]!.json()).toMatchObject({ state: 'acknowledged', acknowledged_by: null });
      await untilAlerts(two, ({ counts }) => counts.acknowledged === 1);
    }
    await using restarted = await startRealtime(broker.address, files.env);
    await untilReady(restarted);
    await until(async () => (await metric(restarted, 'realtime_alerts_leader')) === 1, {
      what: 'a leader',
      timeoutMs: 30_000,
    });
    await append(broker.address, [
      telemetry({ ...vehicle, timestamp: Date.now() + 60_000, location: OUTSIDE }),
    ]);
    await enter(broker.address, { device_id: id(2) });
    await untilAlerts(restarted, ({ counts }) => counts.open.critical === 1);
    const records = await alertRecords(broker.address);
    const raised = records.filter(({ change }) => change === 'raised');
    expect(raised.map(({ subject }) => subject.device_id)).toEqual([id(1), id(2)]);
    expect(new Set(raised.map(({ alert_id: alertId }) => alertId)).size).toBe(2);
  });

  it('are continued by another process when the leader ends', async () => {
    await using broker = await startTestBroker();
    await using files = await ruleFiles(ENTERED);
    const first = await startRealtime(broker.address, files.env);
    await until(async () => (await metric(first, 'realtime_alerts_leader')) === 1, {
      what: 'a leader',
      timeoutMs: 30_000,
    });
    await using second = await startRealtime(broker.address, files.env);
    await untilReady(second);
    await enter(broker.address, { device_id: id(1) });
    await untilAlerts(second, ({ total }) => total === 1);
    await first[Symbol.asyncDispose]();
    await until(async () => (await metric(second, 'realtime_alerts_leader')) === 1, {
      what: 'another leader',
      timeoutMs: 30_000,
    });
    await enter(broker.address, { device_id: id(2) });
    await untilAlerts(second, ({ total }) => total === 2);
    const records = await alertRecords(broker.address);
    expect(records.map(({ change, subject }) => [change, subject.device_id])).toEqual([
      ['raised', id(1)],
      ['raised', id(2)],
    ]);
  });

  it('are seen by tokens of their provider, and acknowledged with the scope operate under the name of the token', async () => {
    await using broker = await startTestBroker();
    await using files = await ruleFiles(ENTERED);
    await using realtime = await startRealtime(broker.address, { ...files.env, AUTH_JWT_SECRET: SECRET });
    const reader = await makeToken(SECRET, { scopes: ['read'] }, '1h');
    const own = await makeToken(
      SECRET,
      { scopes: ['read', 'operate'], providerId: PROVIDER, name: 'Kim' },
      '1h',
    );
    const other = await makeToken(SECRET, { scopes: ['read', 'operate'], providerId: OTHER_PROVIDER }, '1h');
    const { url } = realtime;
    using page = openSocket(url, { token: own });
    using otherPage = openSocket(url, { token: other });
    const [messages, otherMessages]: AlertsMessage[][] = [[], []];
    page.on('alerts', (message) => void messages!.push(message));
    otherPage.on('alerts', (message) => void otherMessages!.push(message));
    await until(() => messages!.length > 0 && otherMessages!.length > 0, { what: 'the first messages' });
    expect(messages).toMatchObject([{ open: { critical: 0 }, acknowledged: 0, changedAt: 0 }]);
    await untilReady(realtime);
    await until(async () => (await metric(realtime, 'realtime_alerts_leader')) === 1, {
      what: 'a leader',
      timeoutMs: 30_000,
    });
    await enter(broker.address, { device_id: id(1) });
    const { alerts, mayAcknowledge } = await untilAlerts(realtime, ({ total }) => total === 1, reader);
    expect(mayAcknowledge).toBe(false);
    await until(() => messages!.at(-1)?.open.critical === 1, { what: 'a message' });
    expect((await getJson<AlertPage>(`${url}/alerts`, other)).body).toMatchObject({
      total: 0,
      mayAcknowledge: true,
      counts: { open: { critical: 0 } },
    });
    const path = `${url}/alerts/${alerts[0]!.alert_id}/acknowledge`;
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
    expect((await post(path)).status).toBe(401);
    expect((await post(path, bearer(reader))).status).toBe(401);
    expect((await post(path, bearer(other))).status).toBe(404);
    expect((await post(path, { ...bearer(own), origin: 'https://elsewhere.example' })).status).toBe(403);
    const answer = await post(path, bearer(own));
    expect(answer.status).toBe(200);
    expect((await answer.json()) as Alert).toMatchObject({ state: 'acknowledged', acknowledged_by: 'Kim' });
    await until(() => messages!.at(-1)?.acknowledged === 1, { what: 'a message' });
    expect(otherMessages).toHaveLength(1);
  });

  it('are listed in pages, by state, severity and rule', async () => {
    await using broker = await startTestBroker();
    await using realtime = await startRealtime(broker.address);
    await untilReady(realtime);
    const records = Array.from({ length: 5 }, (_, n) => ({
      ...alertExample,
      alert_id: id(n),
      subject: { ...alertExample.subject, zone_id: `zone-${n}` },
      severity: n === 4 ? ('info' as const) : alertExample.severity,
      raised_at: alertExample.raised_at + n,
    }));
    const values = [...records.map((record) => JSON.stringify(record)), 'not an alert'];
    await appendRecords(
      broker.address,
      values.map((value) => ({ topic: alertTopic.name, key: 'k', value })),
    );
    await untilAlerts(realtime, ({ total }) => total === 5);
    const { url } = realtime;
    const list = async (query: string) => (await getJson<AlertPage>(`${url}/alerts?${query}`)).body;
    const first = await list('limit=2&state=open');
    expect(first.alerts.map(({ alert_id: alertId }) => alertId)).toEqual([id(4), id(3)]);
    expect(first).toMatchObject({ total: 5, isCurrent: true, rules: { count: 0, problems: [] } });
    const second = await list(`limit=3&state=open&cursor=${first.next}`);
    expect(second.alerts.map(({ alert_id: alertId }) => alertId)).toEqual([id(2), id(1), id(0)]);
    expect(second.next).toBeNull();
    expect((await list('severity=info')).total).toBe(1);
    expect((await list('state=cleared,acknowledged')).total).toBe(0);
    expect((await list('rule=another')).total).toBe(0);
    expect((await list(`provider_id=${PROVIDER}`)).total).toBe(0);
    for (const query of ['state=new', 'limit=0', 'cursor=x', 'severity=', 'provider_id=me'].filter(
      (it) => !it.endsWith('='),
    )) {
      const { status, body } = await getJson(`${url}/alerts?${query}`);
      expect([status, (body['errors'] as { field: string }[])[0]?.field]).toEqual([400, query.split('=')[0]]);
    }
    expect((await post(`${url}/alerts/${id(77)}/acknowledge`)).status).toBe(404);
  });

  it('names a rule whose zone does not exist, and refuses to start with an invalid file', async () => {
    await using broker = await startTestBroker();
    await using files = await ruleFiles('  - { id: lost, kind: zone-left, zone: nowhere }');
    await using realtime = await startRealtime(broker.address, files.env);
    const { rules } = await untilAlerts(realtime, ({ isCurrent }) => isCurrent);
    expect(rules).toEqual({ count: 1, problems: ['rule lost: no zone has the id "nowhere"'] });
    await using invalid = await ruleFiles('  - { id: lost, kind: zone-left }');
    await expect(startRealtime(broker.address, invalid.env)).rejects.toThrow('rules[0].zone: is required');
  });
});
