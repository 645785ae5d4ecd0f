"""The station: it takes pictures into its queue, and files what an inspector says of them.

The order of the steps is what keeps a picture from being lost: queue, server, record, page; only then it leaves the
queue.  A kill between any two of them ends in the same record.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

from endface.comparison import REWORK_AFTER
from endface.report import Report
from endface_client import ClientError, Record
from endface_client.outcome import Word
from endface_client.record.entry import plain
from endface_station.arrival import MOST_FIBERS, Arrival, PartFull, check_picture, clean_fiber, clean_serial, new_id
from endface_station.filing import Filed, Filing
from endface_station.inspector import PAUSES_S, Inspector, Inspects
from endface_station.part import Part
from endface_station.picture_queue import PictureQueue
from endface_station.server_state import ServerState
from endface_station.shift import Shift


class Station:
    """Pictures in, reports out; threads may share it.

    Args:
        client: what inspects.
        record: where each outcome is written before anybody sees it.
        queue: where pictures wait.
        shift: what was inspected before.
        server: how the record names the servers.
        on_filed: gets each picture that has its entry in the record.
        on_change: is called after every change of what a page shows.
        rework_after: cleanings after which a face that still fails is sent to rework.
        pauses_s: the first and the longest pause after a failure.
    """

    def __init__(  # noqa: PLR0913 - its neighbors, and by keyword what they are told
        self,
        client: Inspects,
        record: Record,
        queue: PictureQueue,
        shift: Shift,
        *,
        server: str,
        on_filed: Callable[[Filed], None] = lambda _: None,
        on_change: Callable[[], None] = lambda: None,
        rework_after: int = REWORK_AFTER,
        pauses_s: tuple[float, float] = PAUSES_S,
    ) -> None:
        self._queue = queue
        self.shift = shift
        self.on_filed = on_filed
        self.on_change = on_change
        self.rework_after = rework_after
        self._filing = Filing(record, server, rework_after)
        self.lock = threading.RLock()
        self._inspector = Inspector(
            client,
            queue,
            file=self._file,
            word_of=self._word_of,
            on_change=lambda: self.on_change(),  # noqa: PLW0108 - the page puts another one there
            pauses_s=pauses_s,
        )
        self.last: Filed | None = None
        self.notice = ""
        if queue.in_progress.serial:
            part = shift.part(queue.in_progress.serial, *queue.in_progress)
            waiting = queue.of_part(part.key)
            shift.go_on(part, waiting[-1].fiber if waiting else 0)

    @property
    def warning(self) -> str:
        """What is odd about the record or the last picture; empty where nothing is."""
        return (self.last.warning if self.last else "") or self._filing.warning

    @property
    def state(self) -> ServerState:
        """The servers as they answered last."""
        return self._inspector.state

    @property
    def waiting(self) -> int:
        """How many pictures have no report yet."""
        return len(self._queue)

    def waiting_of(self, part: Part) -> Counter[int]:
        """How many pictures of each fiber of a part have no report yet."""
        return Counter(arrival.fiber for arrival in self._queue.of_part(part.key))

    def begin(self, serial: str) -> Part:
        """Make a part the one in progress; a serial number that was inspected before goes on where it was left.

        It is on the disk when this returns.

        Raises:
            RefusedInput: that is no serial number.
            QueueError: it cannot be written.
            RecordError: the record cannot be read.
        """
        with self.lock:
            part = self.shift.of_serial(clean_serial(serial))
            self._queue.begin(part.serial, part.fibers)
            part = self.shift.begin(part.serial)
            self.last = None
        self.on_change()
        return part

    def count(self, fibers: int) -> None:
        """Say how many fibers the part in progress and new parts have.

        Raises:
            RefusedInput: no connector has so many.
            QueueError: it cannot be written.
        """
        with self.lock:
            number = clean_fiber(str(fibers), MOST_FIBERS)
            if part := self.shift.current:
                self._queue.begin(part.serial, part.at_least(number))
            self.shift.count(number)
        self.on_change()

    def finish(self) -> None:
        """Leave the part in progress; the next picture without a scan belongs to none.

        Raises:
            QueueError: the disk is full or fails.
        """
        with self.lock:
            self._queue.begin("")
            self.shift.current, self.last = None, None
        self.on_change()

    def select(self, fiber: int) -> None:
        """Choose the fiber that the next picture of the part in progress shows.

        Raises:
            RefusedInput: it has no such fiber.
            ScanFirst: no part is in progress, and parts need a serial number.
        """
        with self.lock:
            part = self.shift.current or self.shift.begin("")
            part.selected = clean_fiber(str(fiber), part.fibers)
        self.on_change()

    def next_fiber(self, part: Part, *, goes_on: bool = False) -> int:
        """The fiber that the next picture of a part shows; ``goes_on`` as for ``accept``."""
        return part.next_fiber(self.waiting_of(part), steps_itself=goes_on or self.shift.steps_itself)

    def is_full(self, part: Part) -> bool:
        """Whether a part takes no further picture before its verdicts, unless the operator chooses a fiber.

        Who forgets to scan while the server is away must not add the next connector's faces to it, nor replace its own.
        """
        return self.shift.needs_serial and not part.selected and part.is_full(self.waiting_of(part))

    def aim(self) -> tuple[str, int]:
        """The part and the fiber that the next picture shows; no part where none is begun."""
        with self.lock:
            part = self.shift.current
            if part is None or self.shift.is_over(part) or self.is_full(part):
                return "", 1
            return part.key, self.next_fiber(part)

    def check_scanned(self) -> None:
        """Return if the next picture belongs to a part; a camera is not released before.

        Raises:
            ScanFirst: its serial number must be scanned first.
        """
        with self.lock:
            self._awaiting()

    def show_notice(self, sentence: str) -> None:
        """Show a sentence about where pictures come from, until the next one; an empty one where nothing is wrong."""
        self.notice = sentence
        self.on_change()

    def accept(  # noqa: PLR0913 - what is known of it, by keyword
        self,
        data: bytes,
        name: str,
        *,
        serial: str | None = None,
        fiber: str | None = None,
        goes_on: bool = False,
        picture_id: str = "",
        unchecked: bool = False,
    ) -> Arrival:
        """Take a picture; it is in the queue, on the disk, when this returns.

        Args:
            data: the encoded picture.
            name: of its file.
            serial: of its part; None for the part in progress.
            fiber: which one of the part's; None for the next one.
            goes_on: it is one of several that came together, each of another fiber: none of them looks again at a face
                that did not pass.
            picture_id: one that is taken again under the same id changes nothing; empty for a new id.
            unchecked: take what is no picture as well: it has its place among others, and its verdict says what it is.

        Raises:
            RefusedInput: it is no picture, or serial number or fiber are none.
            ScanFirst: its part needs a serial number that nobody has scanned.
            QueueError: it cannot be written.
            RecordError: the record cannot be read.
        """
        if not unchecked:
            check_picture(data, name)
        with self.lock:
            if picture_id and (known := self._known(picture_id, plain(name))):
                return known
            part = self._awaiting() if serial is None else self.shift.of_serial(clean_serial(serial))
            number = self.next_fiber(part, goes_on=goes_on) if fiber is None else clean_fiber(fiber, part.fibers)
            arrival = Arrival(plain(name), part.serial, part.key, number, part.fibers, id=picture_id or new_id())
            self._queue.put(arrival, data)
            self.shift.go_on(part, number)
        self._inspector.tell()
        return arrival

    def wait_for(self, arrival: Arrival, seconds: float) -> None:
        """Wait until a picture has its report, as long as there is hope for one soon."""
        self._inspector.wait_for(arrival, seconds)

    def run(self) -> None:
        """Inspect what waits, and what comes, until ``stop``."""
        self._inspector.run()

    def stop(self) -> None:
        """Let ``run`` end; what waits then is inspected after the next start."""
        self._inspector.stop()

    def _awaiting(self) -> Part:
        part = self.shift.awaiting()
        if self.is_full(part):
            raise PartFull(part.serial)
        return part

    def _known(self, picture_id: str, name: str) -> Arrival | None:
        """A picture that waits or is filed already, as it was accepted."""
        if filed := self.shift.filed(picture_id):
            part, fiber, _ = filed
            return Arrival(name, part.serial, part.key, fiber, part.fibers, id=picture_id)
        return self._queue.of_id(picture_id)

    def _word_of(self, arrival: Arrival) -> Word | None:
        """What came of a picture that is filed already."""
        with self.lock:
            filed = self.shift.filed(arrival.id)
        return filed[2].word if filed else None

    def _file(self, arrival: Arrival, data: bytes, result: Report | ClientError) -> None:
        """Write an outcome into the record, then show it.

        A face that failed before is compared with its earlier picture; this takes longer than a page may wait.
        """
        if isinstance(result, Report):
            result = self._filing.compared(arrival, data, result)
        with self.lock:
            part = self.shift.part(arrival.part, arrival.serial, arrival.fibers)
            filed = self._filing.write(part, arrival, data, result)
            self.shift.add(part, arrival.fiber, filed.attempt)
            if self.shift.current is part:
                self.last = filed
            self.on_filed(filed)
