"""The machine and the server, as far as they explain the numbers."""

import datetime
import os

from . import server as servers
from . import settings


def gather(server):
    shown = {name: server.psql("postgres", f"SHOW {name}")
             for name in ("server_version", "shared_buffers", "fsync", "full_page_writes", "wal_level",
                          "wal_sync_method", "autovacuum", "data_checksums", "max_wal_size", "checkpoint_timeout",
                          "shared_preload_libraries")}
    with open("/proc/cpuinfo") as lines:
        models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return {"cores": os.cpu_count(), "processor": models[0] if models else "unknown",
            "memory_gb": round(servers.memory_mb() / 1024), "commit_ms": commit_ms(server), "settings": shown,
            "day": datetime.date.today().isoformat(), "tokens": settings.TOKENS, "rounds": settings.ROUNDS,
            "run_seconds": settings.SECONDS, "clients": settings.CLIENTS}


def commit_ms(server):
    """How long the disk takes to make one commit durable: what bounds every write with synchronous_commit on."""
    text = server.psql("postgres", """
        CREATE TEMP TABLE t (ms float8);
        CREATE TABLE public.commits (n int);
        DO $$ DECLARE began timestamptz; BEGIN
            FOR n IN 1..50 LOOP
                began := clock_timestamp();
                INSERT INTO public.commits VALUES (n);
                COMMIT;
                INSERT INTO t VALUES (extract(epoch FROM clock_timestamp() - began) * 1000);
            END LOOP;
        END $$;
        DROP TABLE public.commits;
        SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) FROM t;""")
    return round(float(text.splitlines()[-1]), 3)
