-- SPDX-License-Identifier: Apache-2.0
-- The load of bench/run.py for wrk: requests from a file (method, path, body; tabs between), one after
-- the other over all connections of a thread, round and round. What it saw goes to standard error as
-- one JSON object.  wrk -s load.lua URL -- FILE
local requests, at = {}, 0

function init(arguments)
    local headers = { ["Content-Type"] = "application/json" }
    for line in io.lines(arguments[1]) do
        local method, path, body = line:match("^([^\t]*)\t([^\t]*)\t(.*)$")
        requests[#requests + 1] = wrk.format(method, path, headers, body ~= "" and body or nil)
    end
end

function request()
    at = at % #requests + 1
    return requests[at]
end

function done(summary, latency)
    local errors = summary.errors
    io.stderr:write(string.format(
        '{"operations":%d,"wall_s":%.6f,"bytes":%d,"bad_status":%d,"broken":%d,' ..
        '"p50_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f}\n',
        summary.requests, summary.duration / 1e6, summary.bytes, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout,
        latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3))
end
