-- No trip is missing, occurs twice, or is older than its source. Loads between the run and the test would fail it.
select provider_id, trip_id, updated_at from {{ source('ride', 'rebuilt_trips') }}
except all
select provider_id, trip_id, updated_at from {{ ref('trips') }}
union all
(
  select provider_id, trip_id, updated_at from {{ ref('trips') }}
  except all
  select provider_id, trip_id, updated_at from {{ source('ride', 'rebuilt_trips') }}
)
