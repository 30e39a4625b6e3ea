"""What the worker shows of itself: metrics and health."""

from prometheus_client.parser import text_string_to_metric_families

from harness import LEASE, Worker, emit, hook, ok, receiver, until

alone = []


def lonely():
    """Begun first, looked at last: it takes 15 s until a server is missed."""
    alone.append(Worker(PGHOST="/nowhere"))
    ok(alone[0].get("/healthz")[0] == 200, "a worker that has just begun is well")


def metrics():
    worker = Worker()
    emit(hook("/ok/metrics"), 7)
    emit(hook("/fail/metrics"), 1)
    until(lambda: worker.count("delivered") >= 7 and worker.count("retrying") >= 1, "attempts are counted")
    status, text = worker.get("/metrics")
    families = {family.name: family for family in text_string_to_metric_families(text)}
    ok(status == 200 and all(family.documentation and family.type != "unknown" for family in families.values())
       and all(name.startswith("auth_store_worker_") for name in families), "Prometheus reads the metrics", families)
    samples = {(sample.name, *sample.labels.values()): sample.value
               for family in families.values() for sample in family.samples}
    name = "auth_store_worker_attempt_seconds"
    buckets = [sample.value for sample in families[name].samples if sample.name == name + "_bucket"]
    ok(families[name].type == "histogram" and buckets == sorted(buckets)
       and buckets[-1] == samples[name + "_bucket", "+Inf"] == samples[name + "_count",] == 8
       and 0 < samples[name + "_sum",] < LEASE, "the histogram adds up", buckets)
    ok(samples["auth_store_worker_attempts_total", "delivered"] == 7
       and samples["auth_store_worker_attempts_total", "retrying"] == 1
       and samples["auth_store_worker_database_errors_total",] == 0
       and samples["auth_store_worker_in_flight",] == 0
       and samples["auth_store_worker_claims_total",] > 0, "and so do the counters", samples)
    ok(worker.get("/healthz") == (200, "ok\n"), "a worker whose database answers is well")
    ok(worker.get("/")[0] == 404, "there is nothing else to see")
    worker.end()
    until(lambda: alone[0].get("/healthz")[0] == 503, "a database is missed", 20)
    ok(alone[0].get("/healthz") == (503, "the database does not answer\n"), "a worker without a database is not well")
    ok("No such file or directory (os error 2); trying again" in alone[0].text() and alone[0].end() == 0,
       "but goes on, and can be ended")
