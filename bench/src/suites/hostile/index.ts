import { setTimeout as pause } from 'node:timers/promises';
import { temporaryFolder } from '../../harness/processes.js';
import type { Row } from '../../harness/report.js';
import type { Effort, Suite } from '../../harness/suite.js';
import { attackGroups } from './attacks/index.js';
import { Neighbour } from './target/neighbour.js';
import { attackedPlan, runSoak, steadyPlan } from './soak/soak.js';
import { Target } from './target/target.js';

/** Time before the first attack, in which connections are made and code is compiled. */
const WARM_UP_MS = 3_000;

/** Time after the last attack of a group in which its effects are still measured. */
const SETTLE_MS = 1_000;

/**
 * Attacks a running system on loopback, while another provider sends events and has a page open: what was held, what was
 * not, and what the other provider has noticed. `--job` selects groups by their names; `--job soak` attacks for an hour, and
 * checks that nothing grows; `--job steady` does so for ten minutes without attacks.
 */
export const hostileSuite: Suite = {
  name: 'hostile',
  run: (effort, say) => {
    if (effort.job === 'soak') return runSoak(attackedPlan, effort, say);
    return effort.job === 'steady' ? runSoak(steadyPlan, effort, say) : attack(effort, say);
  },
};

async function attack(effort: Effort, say: (what: string) => void): Promise<Row[]> {
  await using folder = await temporaryFolder();
  say('starting the embedded broker, Postgres, ingest, realtime and batch');
  await using target = await Target.start(folder.path);
  await using neighbour = await Neighbour.start(target);
  await neighbour.during(() => pause(WARM_UP_MS));
  const rows: Row[] = [];
  for (const group of attackGroups.filter(({ name }) => name.includes(effort.job ?? ''))) {
    const attempts = group.attempts(effort.rounds > 1);
    say(`${group.name}: ${attempts.length} attempts`);
    const before = await neighbour.during(() => pause(effort.roundMs));
    const failures: string[] = [];
    const during = await neighbour.during(async () => {
      for (const attempt of attempts) {
        const problem = await attempt.run(target).catch((error: unknown) => String(error));
        if (problem !== undefined) failures.push(`${attempt.name}: ${problem}`);
      }
      // Frames are sent every 500 ms.
      await pause(SETTLE_MS);
    });
    const notReady = await target.notReady();
    if (notReady !== undefined) failures.push(`not ready afterwards: ${notReady}`);
    if (during.refused > 0) failures.push(`${during.refused} events of the other provider were refused`);
    if (during.disconnected) failures.push('the page of the other provider was disconnected');
    for (const failure of failures) say(`  not held: ${failure}`);
    rows.push({ kind: 'attack', name: group.name, attempts: attempts.length, failures, before, during });
  }
  return rows;
}
