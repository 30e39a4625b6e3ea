-- wrk: one token a request. LOAD_BODY is the form, LOAD_BASIC the client's id and secret in base64.
wrk.method = "POST"
wrk.body = os.getenv("LOAD_BODY")
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
wrk.headers["Authorization"] = "Basic " .. os.getenv("LOAD_BASIC")

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format("load %d %.3f %d %.2f %.2f\n", summary.requests, summary.duration / 1e6,
        errors.status + errors.connect + errors.read + errors.timeout,
        latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
