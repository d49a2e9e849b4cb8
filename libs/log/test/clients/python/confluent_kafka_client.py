"""librdkafka, through confluent-kafka."""

import sys
import time

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from events import emit, paced, run, until_terminated

POLL_SECONDS = 0.2
MAX_POLL_RECORDS = 500
TIMEOUT_SECONDS = 60


def produce(options):
    failed = []

    def delivered(error, message):
        value = message.value().decode()
        if error is not None:
            failed.append(value)
            emit("producer_send_error", value=value, message=str(error))
            return
        emit(
            "producer_send_success",
            topic=message.topic(),
            partition=message.partition(),
            offset=message.offset(),
            value=value,
        )

    settings = {"bootstrap.servers": options.brokers, "enable.idempotence": True, "linger.ms": 5}
    producer = Producer(settings | options.settings)
    emit("startup_complete")
    for i in paced(options):
        while True:
            try:
                producer.produce(options.topic, key=str(i % options.keys), value=str(i), on_delivery=delivered)
                break
            except BufferError:
                producer.poll(POLL_SECONDS)
        producer.poll(0)
    left = producer.flush(TIMEOUT_SECONDS)
    emit("shutdown_complete")
    if left or failed:
        sys.exit(f"{len(failed)} records failed, {left} were left")


def consume(options):
    terminated = until_terminated()
    settings = {
        "bootstrap.servers": options.brokers,
        "group.id": options.group,
        "session.timeout.ms": options.session_timeout,
        "heartbeat.interval.ms": 500,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "partition.assignment.strategy": "cooperative-sticky",
    }
    if options.instance:
        settings["group.instance.id"] = options.instance
    consumer = Consumer(settings | options.settings)

    def on(name):
        return lambda _, partitions: emit(name, partitions=[where(each) for each in partitions])

    consumer.subscribe(
        [options.topic],
        on_assign=on("partitions_assigned"),
        on_revoke=on("partitions_revoked"),
        on_lost=on("partitions_lost"),
    )
    emit("startup_complete")
    while not terminated():
        messages = consumer.consume(MAX_POLL_RECORDS, POLL_SECONDS)
        following = {}
        for message in messages:
            # Brokers that can't be reached are said here too; the client connects again by itself.
            if message.error() is not None:
                if message.error().retriable() or message.error().name().startswith("_"):
                    continue
                raise KafkaException(message.error())
            emit(
                "record_data",
                topic=message.topic(),
                partition=message.partition(),
                offset=message.offset(),
                value=message.value().decode(),
            )
            following[message.partition()] = message.offset() + 1
        if following:
            commit(consumer, options.topic, following)
    consumer.close()
    emit("shutdown_complete")


def commit(consumer, topic, following):
    offsets = [TopicPartition(topic, partition, offset) for partition, offset in following.items()]
    try:
        consumer.commit(offsets=offsets, asynchronous=False)
        success = True
    except KafkaException as error:
        # While the group shares its partitions again, what was read before comes again.
        print(error, file=sys.stderr)
        success = False
    emit("offsets_committed", offsets=[where(each) | {"offset": each.offset} for each in offsets], success=success)


def where(partition):
    return {"topic": partition.topic, "partition": partition.partition}


def administer(options):
    admin = AdminClient({"bootstrap.servers": options.brokers})
    for step in (cluster, topics, configs, records, groups, removal):
        step(admin, options)


def cluster(admin, _):
    metadata = admin.list_topics(timeout=TIMEOUT_SECONDS)
    described = admin.describe_cluster().result(TIMEOUT_SECONDS)
    emit(
        "cluster",
        id=metadata.cluster_id,
        controller=metadata.controller_id,
        brokers=list(metadata.brokers),
        sameId=described.cluster_id == metadata.cluster_id,
    )


def topics(admin, options):
    new = NewTopic(options.topic, num_partitions=2, replication_factor=1, config={"retention.ms": "3600000"})
    made = said(admin.create_topics([new])[options.topic])
    again = said(admin.create_topics([new])[options.topic])
    grown = said(admin.create_partitions([NewPartitions(options.topic, 3)])[options.topic])
    partitions = admin.list_topics(options.topic, TIMEOUT_SECONDS).topics[options.topic].partitions
    emit("topics", made=made, again=again, grown=grown, partitions=sorted(partitions))


def configs(admin, options):
    def resource(**operations):
        entries = [
            ConfigEntry(name.replace("_", "."), value, incremental_operation=operation)
            for name, (operation, value) in operations.items()
        ]
        return ConfigResource(ResourceType.TOPIC, options.topic, incremental_configs=entries)

    def alter(change):
        return said(next(iter(admin.incremental_alter_configs([change]).values())))

    altered = alter(
        resource(
            max_message_bytes=(AlterConfigOpType.SET, "2000"), retention_ms=(AlterConfigOpType.DELETE, None)
        )
    )
    refused = alter(resource(max_message_bytes=(AlterConfigOpType.SET, "many")))
    asked = ConfigResource(ResourceType.TOPIC, options.topic)
    described = admin.describe_configs([asked])[asked].result(TIMEOUT_SECONDS)
    values = {name: described[name].value for name in ("max.message.bytes", "retention.ms")}
    emit("configs", altered=altered, refused=refused, values=values)


def records(admin, options):
    started_at = int(time.time() * 1000)
    errors = []
    producer = Producer({"bootstrap.servers": options.brokers})
    for i in range(10):
        producer.produce(options.topic, value=b"v", partition=1, timestamp=started_at + i * 1000)
    producer.produce(
        options.topic, value=bytes(3000), partition=0, on_delivery=lambda error, _: errors.append(error.name())
    )
    producer.flush(TIMEOUT_SECONDS)
    place = TopicPartition(options.topic, 1, 4)
    deleted = next(iter(admin.delete_records([place]).values())).result(TIMEOUT_SECONDS)

    def offset(spec):
        future = next(iter(admin.list_offsets({TopicPartition(options.topic, 1): spec}).values()))
        return future.result(TIMEOUT_SECONDS).offset

    offsets = {
        "start": offset(OffsetSpec.earliest()),
        "end": offset(OffsetSpec.latest()),
        "atStart": offset(OffsetSpec.for_timestamp(started_at)),
        "at6s": offset(OffsetSpec.for_timestamp(started_at + 5001)),
        "largest": offset(OffsetSpec.max_timestamp()),
    }
    emit("records", tooLarge=errors, lowWatermark=deleted.low_watermark, offsets=offsets)


def groups(admin, options):
    group = f"{options.topic}-readers"
    places = [TopicPartition(options.topic, 0, 0), TopicPartition(options.topic, 1, 6)]
    admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group, places)])[group].result(TIMEOUT_SECONDS)
    listed = admin.list_consumer_groups().result(TIMEOUT_SECONDS)
    described = admin.describe_consumer_groups([group])[group].result(TIMEOUT_SECONDS)
    fetched = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group]
    offsets = {each.partition: each.offset for each in fetched.result(TIMEOUT_SECONDS).topic_partitions}
    deleted = said(admin.delete_consumer_groups([group])[group])
    after = admin.list_consumer_groups().result(TIMEOUT_SECONDS)
    emit(
        "groups",
        listed=[each.group_id for each in listed.valid],
        state=described.state.name,
        offsets=offsets,
        deleted=deleted,
        left=[each.group_id for each in after.valid],
    )


def removal(admin, options):
    deleted = said(admin.delete_topics([options.topic])[options.topic])
    again = said(admin.delete_topics([options.topic])[options.topic])
    emit("removal", deleted=deleted, again=again, left=sorted(admin.list_topics(timeout=TIMEOUT_SECONDS).topics))


def said(future):
    """The name of the error, empty where there is none."""
    try:
        future.result(TIMEOUT_SECONDS)
        return ""
    except KafkaException as error:
        return error.args[0].name()


run({"produce": produce, "consume": consume, "admin": administer})
