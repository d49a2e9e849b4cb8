package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"math"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/redpanda-data/benthos/v4/public/service"
)

var parquetSpec = service.NewConfigSpec()

// row has the columns of the router's Parquet files, without the H3 cell.
type row struct {
	DeviceID    *string    `parquet:"device_id,optional,zstd"`
	ProviderID  *string    `parquet:"provider_id,optional,zstd,dict"`
	TelemetryID *string    `parquet:"telemetry_id,optional,zstd"`
	Timestamp   *time.Time `parquet:"timestamp,optional,timestamp(millisecond),zstd"`
	TripIDs     *string    `parquet:"trip_ids,optional,json,zstd,dict"`
	JourneyID   *string    `parquet:"journey_id,optional,zstd,dict"`
	Lat         *float64   `parquet:"lat,optional,zstd"`
	Lng         *float64   `parquet:"lng,optional,zstd"`
	Heading     *float64   `parquet:"heading,optional,zstd"`
	Speed       *float64   `parquet:"speed,optional,zstd"`
	Geometry    []byte     `parquet:"geometry,optional,zstd"`
	Partition   int32      `parquet:"_partition,zstd"`
	Offset      int64      `parquet:"_offset,zstd"`
	ReceivedAt  time.Time  `parquet:"_received_at,timestamp(millisecond),zstd"`
}

// parquetProcessor encodes a batch as one Parquet file.
type parquetProcessor struct{}

func newParquetProcessor(*service.ParsedConfig, *service.Resources) (service.BatchProcessor, error) {
	return parquetProcessor{}, nil
}

func (parquetProcessor) ProcessBatch(_ context.Context, batch service.MessageBatch) ([]service.MessageBatch, error) {
	rows := make([]row, len(batch))
	for i, message := range batch {
		value, err := message.AsStructured()
		if err != nil {
			return nil, err
		}
		rows[i] = rowOf(value.(map[string]any), message)
	}
	var file bytes.Buffer
	writer := parquet.NewGenericWriter[row](&file)
	if _, err := writer.Write(rows); err != nil {
		return nil, err
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	message := batch[0].Copy()
	message.SetBytes(file.Bytes())
	return []service.MessageBatch{{message}}, nil
}

func (parquetProcessor) Close(context.Context) error {
	return nil
}

func rowOf(event map[string]any, message *service.Message) row {
	location, _ := event["location"].(map[string]any)
	r := row{
		DeviceID:    text(event["device_id"]),
		ProviderID:  text(event["provider_id"]),
		TelemetryID: text(event["telemetry_id"]),
		TripIDs:     jsonText(event["trip_ids"]),
		JourneyID:   text(event["journey_id"]),
		Lat:         number(location["lat"]),
		Lng:         number(location["lng"]),
		Heading:     number(location["heading"]),
		Speed:       number(location["speed"]),
		Partition:   int32(metaInt(message, "kafka_partition")),
		Offset:      metaInt(message, "kafka_offset"),
		ReceivedAt:  time.UnixMilli(metaInt(message, "kafka_timestamp_ms")),
	}
	if ms := number(event["timestamp"]); ms != nil {
		at := time.UnixMilli(int64(*ms))
		r.Timestamp = &at
	}
	if r.Lat != nil && r.Lng != nil {
		r.Geometry = wkbPoint(*r.Lng, *r.Lat)
	}
	return r
}

func metaInt(message *service.Message, name string) int64 {
	value, _ := message.MetaGetMut(name)
	number, _ := value.(int64)
	return number
}

func text(value any) *string {
	if s, ok := value.(string); ok {
		return &s
	}
	return nil
}

func jsonText(value any) *string {
	if value == nil {
		return nil
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	s := string(encoded)
	return &s
}

func number(value any) *float64 {
	switch n := value.(type) {
	case float64:
		return &n
	case int64:
		f := float64(n)
		return &f
	case json.Number:
		if f, err := n.Float64(); err == nil {
			return &f
		}
	}
	return nil
}

// wkbPoint has byte order, type, x and y.
func wkbPoint(x, y float64) []byte {
	point := make([]byte, 0, 21)
	point = append(point, 1)
	point = binary.LittleEndian.AppendUint32(point, 1)
	point = binary.LittleEndian.AppendUint64(point, math.Float64bits(x))
	return binary.LittleEndian.AppendUint64(point, math.Float64bits(y))
}
