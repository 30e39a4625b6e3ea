"""Crashes, company, and receivers that take long."""

import json, os, signal, threading, time

import harness
from harness import Worker, attempts, call, emit, hook, hooks, ok, one, receiver, until


def crashes():
    name = hook("/brief/1000", max_per_hour=None)
    emit(name, 1000)
    first = Worker()
    until(lambda: len(receiver.ids("/brief/1000")) > 200, "the first worker sends")
    first.end(signal.SIGKILL)
    before = len(receiver.ids("/brief/1000"))
    ok(before < 1000, "a worker is killed in the middle", before)
    second, third = Worker(), Worker(user="sender2")
    until(lambda: len(set(receiver.ids("/brief/1000"))) == 1000
          and one("SELECT count(*) FROM auth_store.webhook_queue") == 0, "all have arrived", 90)
    ids = receiver.ids("/brief/1000")
    numbers = {id: json.loads(body)["data"]["n"] for id, _, body, _ in receiver.came["/brief/1000"]}
    ok(len(set(ids)) == 1000 and set(numbers.values()) == set(range(1, 1001)), "each of 1000 arrives")
    ok(len(ids) - 1000 <= 120, "only what was on its way arrives twice, with the same id", len(ids) - 1000)

    # Who asks at the right moments may get all there is for a while: more is emitted until both have sent something.
    name, count = hook("/brief/two"), 0
    receiver.twice_at_once.clear()  # those that were given up while the receiver held them were sent again
    before = [worker.count("delivered") for worker in (second, third)]
    both = False
    while not both and count < 6000:
        emit(name, 600)
        count += 600
        until(lambda: len(set(receiver.ids("/brief/two"))) == count, f"{count} have arrived")
        both = all(worker.count("delivered") > was for worker, was in zip((second, third), before))
    attempts("/brief/two", count)
    ok(len(receiver.ids("/brief/two")) == count and not receiver.twice_at_once,
       "two workers never send one delivery twice")
    ok(both, "both do something", count)

    name = hook("/held/1")
    emit(name, 5)
    until(lambda: len(receiver.ids("/held/1")) == 5, "five are on their way")
    threading.Timer(1, receiver.held.set).start()
    ok(second.end() == third.end() == 0, "workers that are asked to end do so")
    ok(len(attempts("/held/1", 5)) == 5 and len(receiver.ids("/held/1")) == 5,
       "when what they have begun is completed")


def slow_receivers():
    """One receiver that takes long, with much due for it, does not hold up the others, nor those on its own host."""
    slow, quick = hook("/slow/1"), hook("/brief/quick")
    worker = Worker()
    emit(slow, 150)
    begun = time.time()
    emit(quick, 200)
    until(lambda: len(receiver.ids("/brief/quick")) == 200, "the quick ones arrive")
    times = sorted(at - begun for *_, at in receiver.came["/brief/quick"])
    ok(len(receiver.ids("/slow/1")) < 150, "while most of the slow ones still wait", len(receiver.ids("/slow/1")))
    print(f"# of 200 the 198th came after {times[-2]:.2f} s")
    worker.end()
    call("webhook_delete", webhook_id=hooks["/slow/1"]["webhook_id"])


def one_host():
    """Webhooks of many subscribers at one host: what that gets at once has a cap, however many are due there."""
    worker = Worker(WORKER_PER_HOST="3")
    for number in range(8):
        hook(f"/busy/{number}")
    other = hook("/ok/beside", receiver.url("/ok/beside", "localhost"))
    with harness.db.transaction():
        for number in range(8):
            emit(f"test.busy_{number}", 4)
        emit(other, 20)
    until(lambda: len(receiver.ids("/ok/beside")) == 20, "those of another host")
    ok(sum(len(receiver.ids(f"/busy/{number}")) for number in range(8)) < 32,
       "arrive while the busy host has work left")
    for number in range(8):
        attempts(f"/busy/{number}", 4)
    ok(receiver.most_at_once == 3, "a host gets no more at once than it should", receiver.most_at_once)
    ids = [id for number in range(8) for id in receiver.ids(f"/busy/{number}")]
    ok(len(ids) == len(set(ids)) == 32, "and all, once", len(ids))
    worker.end()


def unheeded():
    """Whoever reads what the worker says may leave, as `head` does."""
    read, write = os.pipe()
    worker = Worker(stdout=write)
    os.close(write)
    os.close(read)
    one("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'auth_store_worker'")
    emit(hook("/ok/unheeded"), 3)
    ok(until(lambda: len(receiver.ids("/ok/unheeded")) == 3, "deliveries", 20) and worker.end() == 0,
       "a worker whose output nobody reads goes on")
