"""The exposition: all metrics as of now, in the text format that Prometheus reads."""

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate

from prometheus_client import PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.utils import floatToGoString

from fireside.core.measures import Histogram
from fireside.telemetry.metrics import METRICS, Metric, Moment, Parts, Value

MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4
PING_TIMEOUT_S = 2.0


class Exposition:
    """The text of all metrics, and of the process (`process_…`) and its Python (`python_info`)."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._process = (ProcessCollector(registry=None), PlatformCollector(registry=None))

    async def text(self) -> bytes:
        """As of now. Asks the database whether it is there."""
        moment = Moment(self._parts, self._parts.sockets.census(), await self._ping())
        return generate_latest(_Families([*_families(moment), *self._of_the_process()]))

    async def _ping(self) -> float | None:
        since = time.perf_counter()
        try:
            async with asyncio.timeout(PING_TIMEOUT_S):
                await self._parts.engine.ping()
        except Exception:
            # Whoever asks is told so by the number; why it is so is in the log of who needed it.
            return None
        return time.perf_counter() - since

    def _of_the_process(self) -> Iterator[Family]:
        for collector in self._process:
            yield from collector.collect()


class _Families(list[Family]):
    """What `generate_latest` takes for a registry."""

    def collect(self) -> Iterable[Family]:
        return self


def _families(moment: Moment) -> Iterator[Family]:
    for metric in METRICS:
        values = metric.read(moment)
        if values is not None:
            yield _family(metric, values if isinstance(values, Mapping) else {(): values})


def _family(metric: Metric, values: Mapping[tuple[str, ...], Value]) -> Family:
    if metric.kind == "histogram":
        family = HistogramMetricFamily(metric.name, metric.meaning, labels=metric.labels)
        for labels, value in values.items():
            assert isinstance(value, Histogram)
            bounds = (*map(floatToGoString, value.bounds), "+Inf")
            family.add_metric(labels, list(zip(bounds, accumulate(value.counts), strict=True)), value.total)
        return family
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    plain = kind(metric.name, metric.meaning, labels=metric.labels)
    for labels, value in values.items():
        assert not isinstance(value, Histogram)
        plain.add_metric(labels, value)
    return plain
