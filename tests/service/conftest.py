"""The service as a process or in this one, against a real RabbitMQ."""

import pytest
import pytest_twisted
from bus import Bus, Service
from inprocess import InProcess


@pytest_twisted.async_yield_fixture
async def bus(broker_url):
    opened = await Bus.connect(broker_url)
    yield opened
    await opened.close()


@pytest.fixture
def serve(tmp_path, broker_url):
    """Start the service on the text of a rule file; all that was started ends with the test."""
    started = []

    def start(rules, *options, name="service", url=broker_url, **more):
        service = Service(tmp_path / name, url, rules, *options, **more)
        started.append(service)
        return service

    yield start
    for service in started:
        service.close()


@pytest_twisted.async_yield_fixture
async def inside(tmp_path, broker_url):
    """Start the service in this process; it ends with the test."""
    started = []

    def start(rules, **planned):
        made = InProcess(tmp_path, broker_url, rules, **planned)
        started.append(made)
        made.service.startService()
        return made

    yield start
    for made in started:
        if made.service.running:
            await made.service.stopService()
