"""Whose request a worker answers next."""

import threading

from tenny_lsp.model import wire
from tenny_lsp.worker.clients import PipeClient
from tenny_lsp.worker.requests import Job, Requests

ONE, TWO, THREE = (PipeClient(-1, -1) for _ in range(3))


def queued(*jobs: tuple[PipeClient, int]) -> Requests:
    requests = Requests()
    for client, number in jobs:
        requests.put(Job(client, wire.Generate(number, "x", 1)))
    return requests


def numbers(requests: Requests, count: int) -> list[int]:
    return [requests.take().request.id for _ in range(count)]


def test_each_client_has_its_turn_and_each_ones_oldest_comes_first() -> None:
    requests = queued((ONE, 1), (ONE, 2), (ONE, 3), (TWO, 11), (TWO, 12), (THREE, 21))

    assert numbers(requests, 6) == [1, 11, 21, 2, 12, 3]


def test_one_that_came_late_does_not_wait_for_all_of_anothers() -> None:
    requests = queued((ONE, 1), (ONE, 2), (ONE, 3))
    first = requests.take().request.id
    requests.put(Job(TWO, wire.Generate(11, "x", 1)))

    assert [first, *numbers(requests, 3)] == [1, 2, 11, 3]


def test_what_has_not_begun_is_taken_back_and_what_has_is_told() -> None:
    requests = queued((ONE, 1), (ONE, 2), (TWO, 2))
    running = requests.take()

    assert requests.cancel(ONE, 1) is None and running.cancellation.is_set() and requests.overdue is running
    taken_back = requests.cancel(ONE, 2)
    assert taken_back is not None and taken_back.client is ONE
    assert requests.cancel(ONE, 7) is None and requests.cancel(THREE, 2) is None
    assert requests.take().client is TWO and requests.overdue is None


def test_nothing_is_left_of_a_client_that_has_gone() -> None:
    requests = queued((ONE, 1), (TWO, 11), (ONE, 2))
    running = requests.take()
    requests.drop(ONE)

    assert running.cancellation.is_set()
    assert requests.take().client is TWO
    requests.drop(ONE)
    threading.Timer(0.05, requests.put, [Job(THREE, wire.Generate(21, "x", 1))]).start()
    assert requests.take().request.id == 21
