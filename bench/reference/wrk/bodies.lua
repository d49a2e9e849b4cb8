-- Posts the lines of the file BODIES in turn, and prints the results as one line of JSON.

local requests = {}
local at = 0

function init()
  for body in io.lines(os.getenv('BODIES')) do
    requests[#requests + 1] = wrk.format('POST', nil, nil, body)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"micros":%d,"failed":%d,"p50":%d,"p99":%d}\n',
    summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
