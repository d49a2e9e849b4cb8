"""Reads a job's objects, which are files in a folder, with DuckDB and pyarrow, and prints JSON.

readers.py query SQL        the rows of a DuckDB query, as lists
readers.py parquet FOLDER   rows, types and metadata of all Parquet files as pyarrow reads them, and wrong H3 cells
"""

import glob
import json
import sys

H3_RESOLUTION = 9


def query(sql):
    import duckdb

    return duckdb.sql(sql).fetchall()


def parquet(folder):
    import h3
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = sorted(glob.glob(f"{folder}/**/*.parquet", recursive=True))
    tables = [pq.ParquetFile(file).read() for file in files]
    table = pa.concat_tables(tables)
    rows = table.select(["lat", "lng", "h3_cell", "geometry"]).to_pylist()
    columns = pq.ParquetFile(files[0]).metadata.row_group(0)
    return {
        "rows": table.num_rows,
        "types": {field.name: str(field.type) for field in table.schema},
        "geo": json.loads(table.schema.metadata[b"geo"]),
        "compression": sorted({columns.column(i).compression for i in range(columns.num_columns)}),
        "wrong_cells": sum(
            h3.latlng_to_cell(row["lat"], row["lng"], H3_RESOLUTION) != row["h3_cell"] for row in rows
        ),
        "wrong_points": sum(point(row["geometry"]) != (row["lng"], row["lat"]) for row in rows),
    }


def point(wkb):
    """Longitude and latitude of a little-endian point in WKB."""
    import struct

    order, kind, x, y = struct.unpack("<BIdd", wkb)
    assert (order, kind) == (1, 1)
    return x, y


if __name__ == "__main__":
    print(json.dumps({"query": query, "parquet": parquet}[sys.argv[1]](*sys.argv[2:]), default=str))
