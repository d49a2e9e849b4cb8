package main

import (
	"bytes"
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/redpanda-data/benthos/v4/public/service"
)

var s3OutputSpec = service.NewConfigSpec().Fields(
	service.NewStringField("endpoint"),
	service.NewStringField("access_key"),
	service.NewStringField("secret_key"),
	service.NewStringField("bucket"),
	service.NewInterpolatedStringField("path"),
	service.NewIntField("max_in_flight"),
)

// s3Output stores each message as an object.
type s3Output struct {
	client *s3.Client
	bucket string
	path   *service.InterpolatedString
}

func newS3Output(
	conf *service.ParsedConfig,
	_ *service.Resources,
) (service.BatchOutput, service.BatchPolicy, int, error) {
	out := &s3Output{}
	var policy service.BatchPolicy
	var options s3.Options
	endpoint, err := conf.FieldString("endpoint")
	if err != nil {
		return nil, policy, 0, err
	}
	accessKey, err := conf.FieldString("access_key")
	if err != nil {
		return nil, policy, 0, err
	}
	secretKey, err := conf.FieldString("secret_key")
	if err != nil {
		return nil, policy, 0, err
	}
	if out.bucket, err = conf.FieldString("bucket"); err != nil {
		return nil, policy, 0, err
	}
	if out.path, err = conf.FieldInterpolatedString("path"); err != nil {
		return nil, policy, 0, err
	}
	options.Region = "us-east-1"
	options.BaseEndpoint = aws.String(endpoint)
	options.UsePathStyle = true
	options.Credentials = credentials.NewStaticCredentialsProvider(accessKey, secretKey, "")
	out.client = s3.New(options)
	maxInFlight, err := conf.FieldInt("max_in_flight")
	return out, policy, maxInFlight, err
}

func (out *s3Output) Connect(context.Context) error {
	return nil
}

func (out *s3Output) WriteBatch(ctx context.Context, batch service.MessageBatch) error {
	for _, message := range batch {
		path, err := out.path.TryString(message)
		if err != nil {
			return err
		}
		content, err := message.AsBytes()
		if err != nil {
			return err
		}
		_, err = out.client.PutObject(ctx, &s3.PutObjectInput{
			Bucket: aws.String(out.bucket),
			Key:    aws.String(path),
			Body:   bytes.NewReader(content),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (out *s3Output) Close(context.Context) error {
	return nil
}
