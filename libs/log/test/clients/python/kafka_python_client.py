"""kafka-python: Kafka's protocol in Python alone."""

import sys

from kafka import ConsumerRebalanceListener, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from events import emit, paced, run, until_terminated

POLL_MS = 200
MAX_POLL_RECORDS = 500
TIMEOUT_SECONDS = 60


def produce(options):
    failed = []

    def stored(value):
        def call(metadata):
            place = {"topic": metadata.topic, "partition": metadata.partition, "offset": metadata.offset}
            emit("producer_send_success", value=value, **place)

        return call

    def not_stored(value):
        def call(error):
            failed.append(value)
            emit("producer_send_error", value=value, message=str(error))

        return call

    producer = KafkaProducer(
        bootstrap_servers=options.brokers, acks="all", enable_idempotence=True, linger_ms=5, **options.settings
    )
    emit("startup_complete")
    for i in paced(options):
        future = producer.send(options.topic, key=str(i % options.keys).encode(), value=str(i).encode())
        future.add_callback(stored(str(i)))
        future.add_errback(not_stored(str(i)))
    producer.flush(TIMEOUT_SECONDS)
    producer.close(TIMEOUT_SECONDS)
    emit("shutdown_complete")
    if failed:
        sys.exit(f"{len(failed)} records failed")


class Listener(ConsumerRebalanceListener):
    def on_partitions_assigned(self, assigned):
        emit("partitions_assigned", partitions=[where(each) for each in assigned])

    def on_partitions_revoked(self, revoked):
        emit("partitions_revoked", partitions=[where(each) for each in revoked])


def consume(options):
    terminated = until_terminated()
    consumer = KafkaConsumer(
        bootstrap_servers=options.brokers,
        group_id=options.group,
        group_instance_id=options.instance,
        session_timeout_ms=options.session_timeout,
        heartbeat_interval_ms=500,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        **options.settings,
    )
    consumer.subscribe([options.topic], listener=Listener())
    await_partitions(consumer, options.topic)
    emit("startup_complete")
    while not terminated():
        polled = consumer.poll(timeout_ms=POLL_MS, max_records=MAX_POLL_RECORDS)
        following = {}
        for partition, records in polled.items():
            for record in records:
                emit("record_data", **where(partition), offset=record.offset, value=record.value.decode())
            following[partition] = records[-1].offset + 1
        if following:
            commit(consumer, following)
    consumer.close(autocommit=False)
    emit("shutdown_complete")


def await_partitions(consumer, topic):
    """
    Waits until the consumer knows the partitions of its topic. A leader that joins before rejoins once it knows them.
    kafka-python 3.0.12 loses that join, with Apache Kafka too, if poll() times out between the responses to JoinGroup
    and SyncGroup: need_rejoin() only compares two snapshots of the metadata, which the response to JoinGroup makes
    equal. Later calls of poll() do not await the join, and the member sends no heartbeats. The Java client sets
    rejoinNeeded as well (KAFKA-9815).
    """
    while not consumer.partitions_for_topic(topic):
        pass


def commit(consumer, following):
    try:
        consumer.commit({partition: OffsetAndMetadata(offset, "", -1) for partition, offset in following.items()})
        success = True
    except KafkaError as error:
        # While the group shares its partitions again, what was read before comes again.
        print(repr(error), file=sys.stderr)
        success = False
    offsets = [where(partition) | {"offset": offset} for partition, offset in following.items()]
    emit("offsets_committed", offsets=offsets, success=success)


def where(partition: TopicPartition):
    return {"topic": partition.topic, "partition": partition.partition}


run({"produce": produce, "consume": consume})
