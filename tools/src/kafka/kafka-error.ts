/** `NO_JARS`: they could not be fetched; `FAILED`: a broker or a tool did not do what it is for. */
export type KafkaErrorCode = 'NO_JARS' | 'FAILED';

/** Apache Kafka could not be had or started; the message has its own last words. */
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
