"""Installing is the last way, and never a surprise."""

import pytest

from testbed import apt


@pytest.mark.parametrize(
    ("environment", "user", "may"),
    [
        ({"CI": "true"}, 0, True),
        ({"KZRULES_APT_INSTALL": "1"}, 0, True),
        ({}, 0, False),
        ({"CI": "true"}, 1000, False),
        ({"KZRULES_APT_INSTALL": "1"}, 1000, False),
    ],
)
def test_only_root_installs_and_only_in_ci_or_when_asked(environment, user, may):
    assert may == apt.may_install(environment, user)


def test_the_service_is_not_started_and_nothing_stays_behind(tmp_path):
    policy, seen = tmp_path / "policy-rc.d", []

    def run(command, **options):
        seen.append((command[2:], policy.read_text()))

    apt.install(lambda line: None, run=run, policy=policy)
    no_service = "#!/bin/sh\nexit 101\n"
    wanted = ["install", "-y", "--no-install-recommends", "rabbitmq-server"]
    assert [(["update"], no_service), (wanted, no_service)] == seen
    assert not policy.exists()


def test_a_policy_of_the_machines_own_is_left_alone(tmp_path):
    policy = tmp_path / "policy-rc.d"
    policy.write_text("theirs")
    apt.install(lambda line: None, run=lambda command, **options: None, policy=policy)
    assert policy.read_text() == "theirs"
