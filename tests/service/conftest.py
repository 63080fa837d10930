"""The service as a process, against a real RabbitMQ."""

import pytest
import pytest_twisted
from bus import Bus, Service


@pytest_twisted.async_yield_fixture
async def bus(broker_url):
    opened = await Bus.connect(broker_url)
    yield opened
    await opened.close()


@pytest.fixture
def serve(tmp_path, broker_url):
    """Start the service on the text of a rule file; all that was started ends with the test."""
    started = []

    def start(rules, *options, **more):
        service = Service(tmp_path / "service", broker_url, rules, *options, **more)
        started.append(service)
        return service

    yield start
    for service in started:
        service.close()
