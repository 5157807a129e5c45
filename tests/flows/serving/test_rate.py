"""A client has its burst, then its rate; clients do not know each other; memory is bounded."""

from flows.serving import rate
from flows.serving.rate import RateLimit


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_empties_and_fills():
    clock = Clock()
    limit = RateLimit(2.0, 3, clock)
    assert [limit.take("a") for _ in range(4)] == [0, 0, 0, 1]
    assert limit.take("b") == 0
    clock.now = 0.5
    assert [limit.take("a"), limit.take("a")] == [0, 1]
    clock.now = 100.0
    assert [limit.take("a") for _ in range(4)] == [0, 0, 0, 1]


def test_more_than_a_burst_passes_when_the_bucket_is_full_and_is_owed():
    clock = Clock()
    limit = RateLimit(1.0, 2, clock)
    assert limit.take("a", 5) == 0
    assert limit.take("a") == 4
    clock.now = 4.0
    assert limit.take("a") == 0


def test_no_rate_is_no_limit():
    assert not any(RateLimit(0.0, 1).take("a") for _ in range(100))


def test_only_so_many_clients_are_remembered(monkeypatch):
    monkeypatch.setattr(rate, "CLIENTS", 2)
    limit = RateLimit(0.1, 1, Clock())
    assert [limit.take(client) for client in "abca"] == [0, 0, 0, 0]
    assert limit.take("c") > 0
