"""Reads an exported GeoParquet file with programs of analysts, and prints JSON.

readers.py duckdb SQL       the rows of a DuckDB query, as lists
readers.py geopandas FILE   what geopandas reads of the file
"""

import json
import sys


def duckdb_rows(sql):
    import duckdb

    return duckdb.sql(sql).fetchall()


def geopandas_frame(file):
    import geopandas

    frame = geopandas.read_parquet(file)
    return {
        "rows": len(frame),
        "crs": str(frame.crs),
        "geometry": sorted(set(frame.geom_type)),
        "bounds": list(frame.total_bounds),
        "wrong_points": int(((frame.geometry.x != frame.lng) | (frame.geometry.y != frame.lat)).sum()),
        "timestamp": str(frame["timestamp"].dtype),
        "newest": frame["timestamp"].max().isoformat(),
    }


if __name__ == "__main__":
    modes = {"duckdb": duckdb_rows, "geopandas": geopandas_frame}
    print(json.dumps(modes[sys.argv[1]](*sys.argv[2:]), default=str))
