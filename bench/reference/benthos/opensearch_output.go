package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/redpanda-data/benthos/v4/public/service"
)

var openSearchOutputSpec = service.NewConfigSpec().Fields(
	service.NewStringField("url"),
	service.NewInterpolatedStringField("index"),
	service.NewInterpolatedStringField("id"),
	service.NewInterpolatedStringField("version"),
	service.NewIntField("max_in_flight"),
)

// openSearchOutput stores a batch with one bulk request.
type openSearchOutput struct {
	url                string
	index, id, version *service.InterpolatedString
}

func newOpenSearchOutput(
	conf *service.ParsedConfig,
	_ *service.Resources,
) (service.BatchOutput, service.BatchPolicy, int, error) {
	out := &openSearchOutput{}
	var policy service.BatchPolicy
	var err error
	if out.url, err = conf.FieldString("url"); err != nil {
		return nil, policy, 0, err
	}
	if out.index, err = conf.FieldInterpolatedString("index"); err != nil {
		return nil, policy, 0, err
	}
	if out.id, err = conf.FieldInterpolatedString("id"); err != nil {
		return nil, policy, 0, err
	}
	if out.version, err = conf.FieldInterpolatedString("version"); err != nil {
		return nil, policy, 0, err
	}
	maxInFlight, err := conf.FieldInt("max_in_flight")
	return out, policy, maxInFlight, err
}

func (out *openSearchOutput) Connect(context.Context) error {
	return nil
}

type bulkResponse struct {
	Items []struct {
		Index struct {
			Status int             `json:"status"`
			Error  json.RawMessage `json:"error"`
		} `json:"index"`
	} `json:"items"`
}

func (out *openSearchOutput) WriteBatch(ctx context.Context, batch service.MessageBatch) error {
	var body bytes.Buffer
	for _, message := range batch {
		index, err := out.index.TryString(message)
		if err != nil {
			return err
		}
		id, err := out.id.TryString(message)
		if err != nil {
			return err
		}
		version, err := out.version.TryString(message)
		if err != nil {
			return err
		}
		document, err := message.AsBytes()
		if err != nil {
			return err
		}
		fmt.Fprintf(&body, `{"index":{"_index":%q,"_id":%q,"version":%s,"version_type":"external"}}`, index, id, version)
		body.WriteByte('\n')
		body.Write(document)
		body.WriteByte('\n')
	}
	url := out.url + "/_bulk?filter_path=items.*.status,items.*.error"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, &body)
	if err != nil {
		return err
	}
	request.Header.Set("content-type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var results bulkResponse
	if err := json.NewDecoder(response.Body).Decode(&results); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK || len(results.Items) != len(batch) {
		return fmt.Errorf("status %d, %d results of %d documents", response.StatusCode, len(results.Items), len(batch))
	}
	for _, item := range results.Items {
		if item.Index.Status >= 300 {
			return fmt.Errorf("status %d: %s", item.Index.Status, item.Index.Error)
		}
	}
	return nil
}

func (out *openSearchOutput) Close(context.Context) error {
	return nil
}
