import type { ProblemError } from '@hailstream/nest';

/** Replaces an item that exceeds a limit and was not parsed. `rule` names the limit. */
export class OversizedItem {
  constructor(readonly rule: string) {}
}

/** Why a body is refused as a whole, for its audit. */
export type RefusalReason = 'not-a-list' | 'too-many-items' | 'too-large';

/** Replaces a body that is refused without being parsed. */
export class RefusedBody {
  constructor(
    readonly reason: RefusalReason,
    readonly problem: ProblemError,
  ) {}
}
