import { ErrorCode, ProtocolError } from '../../../protocol/error-codes.js';
import { NO_BYTES, type JoinAnswer, type SyncAnswer } from './member.js';

/** Response to a failed join. */
export function failedJoin(memberId: string, error: ErrorCode): JoinAnswer {
  return {
    error,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: '',
    memberId,
    skipAssignment: false,
    members: [],
  };
}

/** Response to a failed sync. */
export function failedSync(error: ErrorCode): SyncAnswer {
  return { error, protocolType: null, protocolName: null, assignment: NO_BYTES };
}

export function unknownMemberError(memberId: string): ProtocolError {
  return new ProtocolError(ErrorCode.UNKNOWN_MEMBER_ID, `unknown member '${memberId}'`);
}

export function fencedError(instanceId: string): ProtocolError {
  return new ProtocolError(
    ErrorCode.FENCED_INSTANCE_ID,
    `group instance id '${instanceId}' is in use by another member`,
  );
}
