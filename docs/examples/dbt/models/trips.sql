-- One row per provider and trip. A run reads the trips that have changed since the last one: a late event changes the row of its
-- trip, and raises its updated_at.
{{ config(materialized='incremental', unique_key=['provider_id', 'trip_id']) }}

select
  provider_id,
  trip_id,
  state,
  requested_at,
  picked_up_at,
  dropped_off_at,
  wait_seconds,
  duration_seconds,
  coalesce(matched_distance, distance_meters) as distance_meters,
  updated_at
from {{ source('ride', 'rebuilt_trips') }}
{% if is_incremental() %}
where updated_at > (select coalesce(max(updated_at), '-infinity') from {{ this }})
{% endif %}
