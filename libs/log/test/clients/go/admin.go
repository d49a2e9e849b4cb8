package main

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const adminTimeout = time.Minute

// Calls what an administrator calls, one after the other, and prints what each said. The topic is made and removed.
func administer(ctx context.Context, o options) error {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	client, err := kgo.NewClient(
		kgo.SeedBrokers(o.brokers),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	a := &administrator{ctx, kadm.NewClient(client), client, o.topic}
	for _, step := range []func() error{a.cluster, a.topics, a.configs, a.records, a.groups, a.removal} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

type administrator struct {
	ctx    context.Context
	admin  *kadm.Client
	client *kgo.Client
	topic  string
}

func (a *administrator) cluster() error {
	metadata, err := a.admin.BrokerMetadata(a.ctx)
	if err != nil {
		return err
	}
	versions, err := a.admin.ApiVersions(a.ctx)
	if err != nil {
		return err
	}
	controller := versions[metadata.Controller]
	produce, _ := controller.KeyMaxVersion(0)
	emit(event{"name": "cluster", "id": metadata.Cluster, "controller": metadata.Controller,
		"brokers": metadata.Brokers.NodeIDs(), "produceVersion": produce})
	return nil
}

func (a *administrator) topics() error {
	retention := "3600000"
	made, err := a.admin.CreateTopic(a.ctx, 2, 1, map[string]*string{"retention.ms": &retention}, a.topic)
	if err != nil {
		return err
	}
	_, again := a.admin.CreateTopic(a.ctx, 2, 1, nil, a.topic)
	grown, err := a.admin.CreatePartitions(a.ctx, 1, a.topic)
	if err != nil {
		return err
	}
	details, err := a.admin.ListTopics(a.ctx, a.topic)
	if err != nil {
		return err
	}
	detail := details[a.topic]
	emit(event{"name": "topics", "made": made.NumPartitions, "sameId": made.ID == detail.ID,
		"again": kafkaError(again), "grown": kafkaError(grown[a.topic].Err), "partitions": detail.Partitions.Numbers()})
	return nil
}

func (a *administrator) configs() error {
	size := "2000"
	altered, err := a.admin.AlterTopicConfigs(a.ctx, []kadm.AlterConfig{
		{Op: kadm.SetConfig, Name: "max.message.bytes", Value: &size},
		{Op: kadm.DeleteConfig, Name: "retention.ms"},
	}, a.topic)
	if err != nil {
		return err
	}
	wrong := "many"
	refused, err := a.admin.AlterTopicConfigs(a.ctx, []kadm.AlterConfig{
		{Op: kadm.SetConfig, Name: "max.message.bytes", Value: &wrong},
	}, a.topic)
	if err != nil {
		return err
	}
	described, err := a.admin.DescribeTopicConfigs(a.ctx, a.topic)
	if err != nil {
		return err
	}
	values := event{}
	for _, config := range described[0].Configs {
		if config.Key == "max.message.bytes" || config.Key == "retention.ms" {
			values[config.Key] = fmt.Sprintf("%s %s", config.MaybeValue(), config.Source)
		}
	}
	emit(event{"name": "configs", "altered": kafkaError(altered[0].Err), "refused": kafkaError(refused[0].Err),
		"values": values})
	return nil
}

func (a *administrator) records() error {
	startedAt := time.Now().UnixMilli()
	records := []*kgo.Record{}
	for i := range 10 {
		timestamp := time.UnixMilli(startedAt + int64(i)*1000)
		records = append(records, &kgo.Record{Topic: a.topic, Partition: 1, Value: []byte{byte(i)}, Timestamp: timestamp})
	}
	if err := a.client.ProduceSync(a.ctx, records...).FirstErr(); err != nil {
		return err
	}
	tooLarge := a.client.ProduceSync(a.ctx, &kgo.Record{Topic: a.topic, Partition: 0, Value: make([]byte, 3000)}).FirstErr()
	deleted, err := a.admin.DeleteRecords(a.ctx, kadm.Offsets{a.topic: {1: {Topic: a.topic, Partition: 1, At: 4}}})
	if err != nil {
		return err
	}
	low, _ := deleted.Lookup(a.topic, 1)
	offsets := event{}
	for name, list := range map[string]func() (kadm.ListedOffsets, error){
		"start":   func() (kadm.ListedOffsets, error) { return a.admin.ListStartOffsets(a.ctx, a.topic) },
		"end":     func() (kadm.ListedOffsets, error) { return a.admin.ListEndOffsets(a.ctx, a.topic) },
		"atStart": func() (kadm.ListedOffsets, error) { return a.admin.ListOffsetsAfterMilli(a.ctx, startedAt, a.topic) },
		"at6s": func() (kadm.ListedOffsets, error) {
			return a.admin.ListOffsetsAfterMilli(a.ctx, startedAt+5001, a.topic)
		},
	} {
		listed, err := list()
		if err != nil {
			return err
		}
		found, _ := listed.Lookup(a.topic, 1)
		offsets[name] = found.Offset
	}
	emit(event{"name": "records", "tooLarge": kafkaError(tooLarge), "lowWatermark": low.LowWatermark, "offsets": offsets})
	return nil
}

func (a *administrator) groups() error {
	group := a.topic + "-readers"
	if _, err := a.admin.CommitOffsets(a.ctx, group, kadm.Offsets{a.topic: {
		0: {Topic: a.topic, Partition: 0, At: 0, Metadata: "first"},
		1: {Topic: a.topic, Partition: 1, At: 6},
	}}); err != nil {
		return err
	}
	listed, err := a.admin.ListGroups(a.ctx)
	if err != nil {
		return err
	}
	lags, err := a.admin.Lag(a.ctx, group)
	if err != nil {
		return err
	}
	lag, _ := lags[group].Lag.Lookup(a.topic, 1)
	fetched, err := a.admin.FetchOffsets(a.ctx, group)
	if err != nil {
		return err
	}
	first, _ := fetched.Lookup(a.topic, 0)
	if _, err := a.admin.DeleteOffsets(a.ctx, group, kadm.TopicsSet{a.topic: {0: {}}}); err != nil {
		return err
	}
	left, err := a.admin.FetchOffsets(a.ctx, group)
	if err != nil {
		return err
	}
	_, stillThere := left.Lookup(a.topic, 0)
	deleted, err := a.admin.DeleteGroup(a.ctx, group)
	if err != nil {
		return err
	}
	after, err := a.admin.ListGroups(a.ctx)
	if err != nil {
		return err
	}
	emit(event{"name": "groups", "state": listed[group].State, "lag": lag.Lag, "metadata": first.Metadata,
		"offsetStillThere": stillThere, "deleted": kafkaError(deleted.Err), "left": after.Groups()})
	return nil
}

func (a *administrator) removal() error {
	deleted, err := a.admin.DeleteTopic(a.ctx, a.topic)
	if err != nil {
		return err
	}
	_, again := a.admin.DeleteTopic(a.ctx, a.topic)
	topics, err := a.admin.ListTopics(a.ctx)
	if err != nil {
		return err
	}
	names := topics.Names()
	sort.Strings(names)
	emit(event{"name": "removal", "deleted": kafkaError(deleted.Err), "again": kafkaError(again), "left": names})
	return nil
}

// Kafka's name of an error; empty where there is none.
func kafkaError(err error) string {
	var known *kerr.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &known):
		return known.Message
	default:
		return err.Error()
	}
}
