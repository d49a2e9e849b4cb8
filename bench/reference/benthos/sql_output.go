package main

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	_ "github.com/lib/pq"
	"github.com/redpanda-data/benthos/v4/public/service"
)

var sqlOutputSpec = service.NewConfigSpec().Fields(
	service.NewStringField("dsn"),
	service.NewStringField("table"),
	service.NewStringListField("columns"),
	service.NewStringField("suffix").Description("SQL behind the values."),
	service.NewIntField("max_in_flight"),
)

// sqlOutput inserts messages, each a list of the values of a row, with one statement for a batch, as the output sql_insert of
// Redpanda Connect does.
type sqlOutput struct {
	dsn, table, suffix string
	columns            []string

	db *sql.DB
}

func newSQLOutput(
	conf *service.ParsedConfig,
	_ *service.Resources,
) (service.BatchOutput, service.BatchPolicy, int, error) {
	out := &sqlOutput{}
	var policy service.BatchPolicy
	var err error
	if out.dsn, err = conf.FieldString("dsn"); err != nil {
		return nil, policy, 0, err
	}
	if out.table, err = conf.FieldString("table"); err != nil {
		return nil, policy, 0, err
	}
	if out.columns, err = conf.FieldStringList("columns"); err != nil {
		return nil, policy, 0, err
	}
	if out.suffix, err = conf.FieldString("suffix"); err != nil {
		return nil, policy, 0, err
	}
	maxInFlight, err := conf.FieldInt("max_in_flight")
	return out, policy, maxInFlight, err
}

func (out *sqlOutput) Connect(ctx context.Context) error {
	db, err := sql.Open("postgres", out.dsn)
	if err != nil {
		return err
	}
	out.db = db
	return db.PingContext(ctx)
}

func (out *sqlOutput) WriteBatch(ctx context.Context, batch service.MessageBatch) error {
	var statement strings.Builder
	fmt.Fprintf(&statement, "INSERT INTO %s (%s) VALUES ", out.table, strings.Join(out.columns, ", "))
	values := make([]any, 0, len(batch)*len(out.columns))
	for i, message := range batch {
		content, err := message.AsStructured()
		if err != nil {
			return err
		}
		args, isList := content.([]any)
		if !isList || len(args) != len(out.columns) {
			return fmt.Errorf("expected a list of %d values", len(out.columns))
		}
		if i > 0 {
			statement.WriteByte(',')
		}
		statement.WriteByte('(')
		for column, value := range args {
			if column > 0 {
				statement.WriteByte(',')
			}
			values = append(values, value)
			fmt.Fprintf(&statement, "$%d", len(values))
		}
		statement.WriteByte(')')
	}
	statement.WriteByte(' ')
	statement.WriteString(out.suffix)
	_, err := out.db.ExecContext(ctx, statement.String(), values...)
	return err
}

func (out *sqlOutput) Close(context.Context) error {
	if out.db != nil {
		return out.db.Close()
	}
	return nil
}
