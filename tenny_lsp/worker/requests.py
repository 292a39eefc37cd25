"""Queue the requests of several clients: each client has its turn."""

import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, field

from tenny_lsp.model import wire
from tenny_lsp.worker.clients import WorkerClient


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A request, and who asks.

    Args:
        client (WorkerClient): Who asks.
        request (wire.Work): What is asked.
        cancellation (threading.Event): Set when the answer is not wanted any more.
    """

    client: WorkerClient
    request: wire.Work
    cancellation: threading.Event = field(default_factory=threading.Event)


class Requests:
    """The jobs that wait, and the one that is being done. Of a client's jobs, the oldest comes first."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: OrderedDict[WorkerClient, deque[Job]] = OrderedDict()
        self._running: Job | None = None

    def put(self, job: Job) -> None:
        """Have a job done when it is its client's turn."""
        with self._changed:
            self._waiting.setdefault(job.client, deque()).append(job)
            self._changed.notify()

    def take(self) -> Job:
        """Wait for the next job, and return it; the one before is done."""
        with self._changed:
            self._running = None
            while not self._waiting:
                self._changed.wait()
            client, jobs = self._waiting.popitem(last=False)
            self._running = jobs.popleft()
            if jobs:
                self._waiting[client] = jobs  # behind the others
            return self._running

    def cancel(self, client: WorkerClient, request_id: int) -> Job | None:
        """Cancel a client's job; return it if it had not begun, for nobody else will say that it has ended."""
        with self._changed:
            jobs = self._waiting.get(client, deque())
            job = next((job for job in jobs if job.request.id == request_id), None)
            if job is None:
                running = self._running
                if running is not None and running.client is client and running.request.id == request_id:
                    running.cancellation.set()
                return None
            jobs.remove(job)
            if not jobs:
                del self._waiting[client]
            return job

    def drop(self, client: WorkerClient) -> None:
        """Cancel all jobs of a client that has gone."""
        with self._changed:
            self._waiting.pop(client, None)
            if self._running is not None and self._running.client is client:
                self._running.cancellation.set()

    @property
    def overdue(self) -> Job | None:
        """The job that is being done although it has been cancelled; None where there is none."""
        with self._changed:
            running = self._running
            return running if running is not None and running.cancellation.is_set() else None
