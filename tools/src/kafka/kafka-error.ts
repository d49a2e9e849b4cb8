/** `NO_JARS`: the jars could not be downloaded. `FAILED`: a broker or a tool failed. */
export type KafkaErrorCode = 'NO_JARS' | 'FAILED';

/** Apache Kafka could not be downloaded or started; the message includes its last output. */
export class KafkaError extends Error {
  override readonly name = 'KafkaError';

  constructor(
    readonly code: KafkaErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
